#include "cluster/object_path.h"

#include <string_view>

#include "object/kind.h"
#include "store/controller.h"

namespace duet::cluster {
namespace {

std::string group_path(object::Kind kind) {
  const std::string_view version = object::kind_info(kind).api_version;
  const bool core = version.find('/') == std::string_view::npos;
  return (core ? "/api/" : "/apis/") + std::string(version) + "/";
}

std::string plural(object::Kind kind) { return std::string(object::kind_info(kind).plural); }

}  // namespace

std::string list_path(object::Kind kind) { return group_path(kind) + plural(kind); }

std::string status_path(const object::ObjectKey& key) {
  return group_path(key.kind) + "namespaces/" + key.ns + "/" + plural(key.kind) + "/" + key.name +
         "/status";
}

std::string work_key(const object::ObjectKey& key) {
  return plural(key.kind) + "/" + store::key_text(key);
}

std::optional<object::ObjectKey> key_of_work(const std::string& text) {
  const std::size_t slash = text.find('/');
  const auto kind = object::kind_from_word(text.substr(0, slash));
  return kind && slash != std::string::npos
             ? std::optional(store::key_from_text(*kind, text.substr(slash + 1)))
             : std::nullopt;
}

}  // namespace duet::cluster
