#include "object/schema_parts.h"

// clang-format off: a table, one field a line where there is more to say than its type.
namespace duet::object {
namespace {

constexpr Field kConfigMapFields[] = {
    text("kind").required(),
    text("apiVersion").required(),
    object("metadata", kObjectMeta).required(),
    boolean("immutable").ignored("changes are not refused"),
    text_map("data").keys(Format::kConfigKey),
    bytes_map("binaryData").keys(Format::kConfigKey),
};
}  // namespace
const Structure kConfigMap = {"ConfigMap", kConfigMapFields};
namespace {

constexpr Field kSecretFields[] = {
    text("kind").required(),
    text("apiVersion").required(),
    object("metadata", kObjectMeta).required(),
    boolean("immutable").ignored("changes are not refused"),
    bytes_map("data").keys(Format::kConfigKey),
    text_map("stringData").keys(Format::kConfigKey),
    text("type"),
};
}  // namespace
const Structure kSecret = {"Secret", kSecretFields};
namespace {

constexpr Field kNamespaceSpecFields[] = {
    texts("finalizers").read_only(),
};
constexpr Structure kNamespaceSpec = {"NamespaceSpec", kNamespaceSpecFields};

constexpr Field kNamespaceConditionFields[] = {
    text("type").required(), text("status").required(), time_of("lastTransitionTime"),
    text("reason"), text("message"),
};
constexpr Structure kNamespaceCondition = {"NamespaceCondition", kNamespaceConditionFields};

constexpr Field kNamespaceStatusFields[] = {
    text("phase"), objects("conditions", kNamespaceCondition),
};
constexpr Structure kNamespaceStatus = {"NamespaceStatus", kNamespaceStatusFields};

constexpr Field kNamespaceFields[] = {
    text("kind").required(),
    text("apiVersion").required(),
    object("metadata", kObjectMeta).required(),
    object("spec", kNamespaceSpec),
    object("status", kNamespaceStatus).read_only(),
};
}  // namespace
const Structure kNamespace = {"Namespace", kNamespaceFields};
namespace {

constexpr Field kEventSourceFields[] = {
    text("component"), text("host"),
};
constexpr Structure kEventSource = {"EventSource", kEventSourceFields};

constexpr Field kEventSeriesFields[] = {
    integer("count"), time_of("lastObservedTime"),
};
constexpr Structure kEventSeries = {"EventSeries", kEventSeriesFields};

constexpr Field kEventFields[] = {
    text("kind").required(),
    text("apiVersion").required(),
    object("metadata", kObjectMeta).required(),
    object("involvedObject", kObjectReference).required().read_only(),
    text("reason").read_only(),
    text("message").read_only(),
    object("source", kEventSource).read_only(),
    time_of("firstTimestamp").read_only(),
    time_of("lastTimestamp").read_only(),
    integer("count").read_only(),
    text("type").read_only(),
    time_of("eventTime").read_only(),
    object("series", kEventSeries).read_only(),
    text("action").read_only(),
    object("related", kObjectReference).read_only(),
    text("reportingComponent").required().read_only(),
    text("reportingInstance").required().read_only(),
};
}  // namespace
const Structure kEvent = {"Event", kEventFields};
}  // namespace duet::object
