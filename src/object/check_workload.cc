#include <charconv>

#include "base/base64.h"
#include "object/check_kinds.h"
#include "object/format.h"

namespace duet::object {
namespace {

constexpr int64_t kDefaultDeadlineSeconds = 600;
constexpr size_t kDataLimitBytes = 1 << 20;

// The selector must choose the template's pods.
void check_selector(const Place& spec) {
  const Place selector = spec["selector"]["matchLabels"];
  const Place labels = spec["template"]["metadata"]["labels"];
  if (!selector.present() || selector.size() == 0) {
    if (spec["selector"].present() && !spec["selector"]["matchExpressions"].present()) {
      spec["selector"].error("must have matchLabels");
    }
    return;
  }
  for (const MarkedNode::Member& member : selector.node()->members) {
    const Place label = labels[member.key];
    if (label.text() != member.value.text || !label.present()) {
      selector[member.key].error("spec.template.metadata.labels must have " + quote(member.key) +
                                 ": " + quote(member.value.text) + " too, or no pod is selected");
    }
  }
}

bool is_nothing(const Place& count) {
  const std::string text = count.present() ? count.node()->text : "25%";
  return text == "0" || text == "0%" || text == "00%" || text == "000%";
}

void check_strategy(const Place& strategy) {
  const Place rolling = strategy["rollingUpdate"];
  if (strategy["type"].text() == "Recreate" && rolling.present()) {
    rolling.error("is not possible when the type is \"Recreate\"");
  }
  if (is_nothing(rolling["maxSurge"]) && is_nothing(rolling["maxUnavailable"])) {
    rolling["maxUnavailable"].error("must not be 0 when maxSurge is 0, or nothing can be replaced");
  }
  const Place unavailable = rolling["maxUnavailable"];
  if (unavailable.present() && unavailable.text().size() == 4 && unavailable.text() > "100%") {
    unavailable.error(quote(unavailable.text()) + " must be at most 100%");
  }
}

size_t size_of(const Place& map) {
  size_t size_bytes = 0;
  for (size_t i = 0; map.present() && i < map.node()->members.size(); ++i) {
    const MarkedNode::Member& member = map.node()->members[i];
    size_bytes += member.key.size() + member.value.text.size();
  }
  return size_bytes;
}

void check_size(const Place& object, size_t size_bytes) {
  if (size_bytes > kDataLimitBytes) {
    object.error("its data has " + std::to_string(size_bytes) + " bytes; at most " +
                 std::to_string(kDataLimitBytes) + " are possible");
  }
}

}  // namespace

void check_deployment(const Place& object) {
  const Place spec = object["spec"];
  const Place pod = spec["template"]["spec"];
  check_selector(spec);
  check_strategy(spec["strategy"]);
  check_duet_annotations(spec["template"]["metadata"]["annotations"], AnnotatedKind::kPod);
  check_handler(spec["template"]["metadata"]["annotations"], pod);
  check_pod_spec(pod);
  if (pod["restartPolicy"].text("Always") != "Always") {
    pod["restartPolicy"].error("must be \"Always\" in a Deployment");
  }
  if (pod["activeDeadlineSeconds"].present()) {
    pod["activeDeadlineSeconds"].error("is not possible in a Deployment");
  }
  const Place deadline = spec["progressDeadlineSeconds"];
  if (deadline.integer(kDefaultDeadlineSeconds) <= spec["minReadySeconds"].integer(0)) {
    deadline.error("must be more than minReadySeconds");
  }
}

void check_config_map(const Place& object) {
  const Place data = object["data"];
  const Place binary = object["binaryData"];
  for (size_t i = 0; binary.present() && i < binary.node()->members.size(); ++i) {
    const std::string& key = binary.node()->members[i].key;
    if (data[key].present()) {
      binary[key].error("is in data too");
    }
  }
  check_size(object, size_of(data) + size_of(binary) / 4 * 3);
}

void check_secret(const Place& object) {
  const Place data = object["data"];
  const Place plain = object["stringData"];
  check_size(object, size_of(data) / 4 * 3 + size_of(plain));
  if (object["type"].text() != "kubernetes.io/tls") {
    return;
  }
  for (const char* key : {"tls.crt", "tls.key"}) {
    if (!data[key].present() && !plain[key].present()) {
      data[key].error("is required and missing in a secret of type kubernetes.io/tls");
    }
  }
}

}  // namespace duet::object
