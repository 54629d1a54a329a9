#include "workload/pod_template.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/fnv.h"
#include "workload/pod_view.h"

namespace duet::workload {
namespace {

using Json = nlohmann::json;

constexpr size_t kSuffixLength = 5;
// As in Kubernetes: a generated name leaves room for a host name of 63 bytes.
constexpr size_t kNameLimit = 63 - kSuffixLength;

Result<Json> parse(const std::string& text, const char* what) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    return invalid(std::string(what) + ": not a JSON object");
  }
  return json;
}

object::Object dress(const object::Deployment& deployment, const Json& metadata, const Json& spec,
                     const std::string& hash, sys::Random& random) {
  const std::string name = (deployment.meta.name + "-" + hash + "-").substr(0, kNameLimit) +
                           sys::make_name_suffix(random, kSuffixLength);
  Json labels = metadata.value("labels", Json::object());
  labels[kTemplateHashLabel] = hash;
  Json json = {{"apiVersion", "v1"},
               {"kind", "Pod"},
               {"metadata",
                {{"name", name},
                 {"namespace", deployment.meta.ns},
                 {"labels", std::move(labels)},
                 {"ownerReferences", Json::array({{{"apiVersion", "apps/v1"},
                                                   {"kind", "Deployment"},
                                                   {"name", deployment.meta.name},
                                                   {"uid", deployment.meta.uid},
                                                   {"controller", true},
                                                   {"blockOwnerDeletion", true}}})}}},
               {"spec", spec}};
  if (metadata.contains("annotations")) {
    json["metadata"]["annotations"] = metadata["annotations"];
  }
  return {{object::Kind::kPod, deployment.meta.ns, name},
          "",
          0,
          json.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

Result<object::Object> dress_from(const object::Deployment& deployment, const std::string& text,
                                  const char* what, const std::string& hash, sys::Random& random) {
  DUET_ASSIGN(const Json json, parse(text, what));
  const Json metadata = json.value("metadata", Json::object());
  const Json labels = metadata.is_object() ? metadata.value("labels", Json::object()) : Json();
  if (!labels.is_object()) {
    return invalid(std::string(what) + ": metadata.labels: not a JSON object");
  }
  return dress(deployment, metadata, json.value("spec", Json::object()), hash, random);
}

}  // namespace

Result<std::string> template_hash(const std::string& template_json) {
  DUET_ASSIGN(const Json json, parse(template_json, "spec.template"));
  // Over the text with sorted keys, written in the letters of generated names.
  uint64_t hash = fnv1a(json.dump(-1, ' ', false, Json::error_handler_t::replace));
  constexpr std::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";
  constexpr size_t kLength = 10;
  std::string text;
  while (text.size() < kLength) {
    text += kLetters[hash % kLetters.size()];
    hash /= kLetters.size();
  }
  return text;
}

Result<object::Object> make_pod(const object::Deployment& deployment, const std::string& hash,
                                sys::Random& random) {
  return dress_from(deployment, deployment.pod_template_json, "spec.template", hash, random);
}

Result<object::Object> copy_pod(const object::Deployment& deployment, const object::Object& pod,
                                const std::string& hash, sys::Random& random) {
  return dress_from(deployment, pod.json, "pod", hash, random);
}

}  // namespace duet::workload
