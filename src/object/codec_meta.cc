#include <charconv>
#include <nlohmann/json.hpp>

#include "object/codec.h"
#include "object/codec_parts.h"

namespace duet::object {
namespace {

void read_version(const JsonNode& node, int64_t& out) {
  std::string text;
  node.read(text);
  if (text.empty()) {
    return;
  }
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (failure != std::errc() || end != text.data() + text.size()) {
    node.fail("expected a number as a string");
  }
}

void read_owner(const JsonNode& node, Meta& out) {
  bool controller = false;
  node["controller"].read(controller);
  if (!controller) {
    return;
  }
  node["kind"].read(out.owner_kind);
  node["name"].read(out.owner_name);
  node["uid"].read(out.owner_uid);
}

}  // namespace

void read_meta(const JsonNode& metadata, Meta& out) {
  metadata["name"].read(out.name);
  metadata["namespace"].read(out.ns);
  metadata["uid"].read(out.uid);
  read_version(metadata["resourceVersion"], out.resource_version);
  metadata["generation"].read(out.generation);
  metadata["labels"].read(out.labels);
  metadata["annotations"].read(out.annotations);
  metadata["creationTimestamp"].read(out.creation_timestamp);
  metadata["deletionTimestamp"].read(out.deletion_timestamp);
  metadata["deletionGracePeriodSeconds"].read(out.deletion_grace_period_seconds);
  metadata["ownerReferences"].each([&](const JsonNode& owner) { read_owner(owner, out); });
}

Result<Meta> decode_meta(const nlohmann::json& object) {
  std::optional<Error> failure;
  const JsonNode root(object, "", failure);
  Meta out;
  read_meta(root["metadata"], out);
  if (failure.has_value()) {
    return *failure;
  }
  return out;
}

}  // namespace duet::object
