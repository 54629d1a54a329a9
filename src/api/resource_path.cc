#include "api/resource_path.h"

#include <vector>

#include "api/query.h"
#include "net/http_target.h"
#include "object/kind.h"

namespace duet::api {
namespace {

constexpr size_t kSegmentLimit = 9;  // /apis/GROUP/VERSION/namespaces/NS/PLURAL/NAME/SUBRESOURCE

// Nothing when a segment is empty, badly escaped or one too many.
std::optional<std::vector<std::string>> split_path(std::string_view path) {
  std::vector<std::string> out;
  if (!path.starts_with('/')) {
    return std::nullopt;
  }
  path.remove_prefix(1);
  while (out.size() < kSegmentLimit) {
    const size_t slash = path.find('/');
    auto segment = percent_decode(path.substr(0, slash), false);
    if (!segment.ok() || segment->empty()) {
      return std::nullopt;
    }
    out.push_back(std::move(*segment));
    if (slash == std::string_view::npos) {
      return out;
    }
    path.remove_prefix(slash + 1);
  }
  return std::nullopt;
}

const object::KindInfo* find_plural(std::string_view api_version, std::string_view plural) {
  for (const object::KindInfo& info : object::all_kinds()) {
    if (info.api_version == api_version && info.plural == plural) {
      return &info;
    }
  }
  return nullptr;
}

std::string collection_root(const object::KindInfo& info) {
  const bool core = info.api_version.find('/') == std::string_view::npos;
  return (core ? "/api/" : "/apis/") + std::string(info.api_version);
}

}  // namespace

std::optional<ResourcePath> parse_resource_path(std::string_view path) {
  const auto segments = split_path(path);
  if (!segments || segments->size() < 3) {
    return std::nullopt;
  }
  size_t at = 2;
  std::string version = (*segments)[1];
  if ((*segments)[0] == "apis") {
    version += "/" + (*segments)[at++];
  } else if ((*segments)[0] != "api") {
    return std::nullopt;
  }
  const size_t left = segments->size() - at;
  ResourcePath out;
  // /api/v1/namespaces/NS is a Namespace; with more behind it, it says where to look.
  if (left >= 3 && (*segments)[at] == "namespaces") {
    out.ns = (*segments)[at + 1];
    at += 2;
  }
  if (at == segments->size()) {
    return std::nullopt;
  }
  const object::KindInfo* info = find_plural(version, (*segments)[at++]);
  if (info == nullptr || (!info->namespaced && !out.ns.empty())) {
    return std::nullopt;
  }
  out.kind = info->kind;
  if (at < segments->size()) {
    out.name = (*segments)[at++];
  }
  if (at < segments->size()) {
    out.subresource = (*segments)[at++];
  }
  // One object of a namespaced kind is only reached through its namespace.
  if (at != segments->size() || (info->namespaced && out.ns.empty() && !out.name.empty())) {
    return std::nullopt;
  }
  return out;
}

std::string resource_path(object::Kind kind, std::string_view ns, std::string_view name) {
  const object::KindInfo& info = object::kind_info(kind);
  std::string out = collection_root(info);
  if (info.namespaced && !ns.empty()) {
    out += "/namespaces/" + net::percent_encode(ns);
  }
  out += "/" + std::string(info.plural);
  if (!name.empty()) {
    out += "/" + net::percent_encode(name);
  }
  return out;
}

std::string qualified_resource(object::Kind kind) {
  const object::KindInfo& info = object::kind_info(kind);
  const size_t slash = info.api_version.find('/');
  std::string out(info.plural);
  return slash == std::string_view::npos
             ? out
             : out + "." + std::string(info.api_version.substr(0, slash));
}

}  // namespace duet::api
