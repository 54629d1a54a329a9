#pragma once

#include "object/json_node.h"
#include "object/kinds.h"
#include "object/pod.h"

// Parts that the decoders of several kinds share; for codec_*.cc alone.
namespace duet::object {

void read_meta(const JsonNode& metadata, Meta& out);
void read_pod_spec(const JsonNode& spec, PodSpec& out);
void read_pod_status(const JsonNode& status, PodStatus& out);

// Parses `text`, lets `read` decode it and gives what came out, or the first failure.
template <typename T, typename Read>
Result<T> decode_with(const std::string& text, Read read) {
  DUET_ASSIGN(const auto document, parse_json(text));
  std::optional<Error> failure;
  const JsonNode root(document, "", failure);
  if (!root.present() || !root.check_object()) {
    return invalid("expected an object, found " + describe_json_type(document));
  }
  T out;
  read_meta(root["metadata"], out.meta);
  read(root, out);
  if (failure.has_value()) {
    return *failure;
  }
  return out;
}

}  // namespace duet::object
