#include "object/schema_parts.h"

// clang-format off: a table, one field a line where there is more to say than its type.
namespace duet::object {
namespace {

constexpr Field kOwnerReferenceFields[] = {
    text("apiVersion").required(), text("kind").required(), text("name").required(),
    text("uid").required(), boolean("controller"),
    boolean("blockOwnerDeletion").ignored("owners are deleted without waiting"),
};
constexpr Structure kOwnerReference = {"OwnerReference", kOwnerReferenceFields};

constexpr Field kManagedFieldsEntryFields[] = {
    text("manager"), text("operation"), text("apiVersion"), time_of("time"), text("fieldsType"),
    anything("fieldsV1"), text("subresource"),
};
constexpr Structure kManagedFieldsEntry = {"ManagedFieldsEntry", kManagedFieldsEntryFields};

constexpr Field kObjectMetaFields[] = {
    text("name").is(Format::kDnsSubdomain),
    text("generateName").unsupported("give the object a name"),
    text("namespace").is(Format::kDnsLabel),
    text("selfLink").read_only(),
    text("uid").read_only(),
    text("resourceVersion").read_only(),
    integer("generation").read_only(),
    time_of("creationTimestamp").read_only(),
    time_of("deletionTimestamp").read_only(),
    integer("deletionGracePeriodSeconds").read_only(),
    text_map("labels").keys(Format::kLabelKey).is(Format::kLabelValue),
    text_map("annotations").keys(Format::kLabelKey),
    objects("ownerReferences", kOwnerReference),
    texts("finalizers").unsupported("objects are deleted at once"),
    objects("managedFields", kManagedFieldsEntry).read_only(),
};
}  // namespace
const Structure kObjectMeta = {"ObjectMeta", kObjectMetaFields};
namespace {

constexpr Field kLabelSelectorRequirementFields[] = {
    text("key").required(),
    text("operator").required().one_of("In NotIn Exists DoesNotExist"),
    texts("values"),
};
constexpr Structure kLabelSelectorRequirement = {
    "LabelSelectorRequirement", kLabelSelectorRequirementFields};

constexpr Field kLabelSelectorFields[] = {
    text_map("matchLabels").keys(Format::kLabelKey).is(Format::kLabelValue),
    objects("matchExpressions", kLabelSelectorRequirement).unsupported("write matchLabels"),
};
}  // namespace
const Structure kLabelSelector = {"LabelSelector", kLabelSelectorFields};
namespace {

constexpr Field kLocalObjectReferenceFields[] = {
    text("name").is(Format::kDnsSubdomain),
};
}  // namespace
const Structure kLocalObjectReference = {"LocalObjectReference", kLocalObjectReferenceFields};
namespace {

constexpr Field kTypedLocalObjectReferenceFields[] = {
    text("apiGroup"), text("kind").required(), text("name").required(),
};
}  // namespace
const Structure kTypedLocalObjectReference = {
    "TypedLocalObjectReference", kTypedLocalObjectReferenceFields};
namespace {

constexpr Field kObjectReferenceFields[] = {
    text("kind"), text("namespace"), text("name"), text("uid"), text("apiVersion"),
    text("resourceVersion"), text("fieldPath"),
};
}  // namespace
const Structure kObjectReference = {"ObjectReference", kObjectReferenceFields};
namespace {

constexpr Field kConditionFields[] = {
    text("type").required(), text("status").required(), integer("observedGeneration"),
    time_of("lastTransitionTime").required(), text("reason").required(), text("message").required(),
};
}  // namespace
const Structure kCondition = {"Condition", kConditionFields};
}  // namespace duet::object
