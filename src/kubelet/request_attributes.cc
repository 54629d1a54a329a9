#include "kubelet/request_attributes.h"

namespace duet::kubelet {
namespace {

struct PathRights {
  std::string_view path;  // and all below it
  std::vector<std::string> subresources;
};

const std::vector<PathRights>& path_rights() {
  static const std::vector<PathRights> all = {
      {"/pods", {"pods", "proxy"}},
      {"/runningpods", {"pods", "proxy"}},
      {"/healthz", {"healthz", "proxy"}},
      {"/configz", {"configz", "proxy"}},
      {"/stats", {"stats"}},
      {"/metrics", {"metrics"}},
      {"/logs", {"log"}},
      {"/checkpoint", {"checkpoint"}},
      {"/statusz", {"statusz"}},
      {"/flagz", {"configz"}},
  };
  return all;
}

struct MethodVerb {
  std::string_view method;
  std::string_view verb;
};
constexpr MethodVerb kVerbs[] = {{"GET", "get"},
                                 {"POST", "create"},
                                 {"PUT", "update"},
                                 {"PATCH", "patch"},
                                 {"DELETE", "delete"}};

bool is_below(std::string_view path, std::string_view root) {
  return path == root || (path.starts_with(root) && path[root.size()] == '/');
}

}  // namespace

RequestAttributes attributes_of(std::string_view method, std::string_view path) {
  RequestAttributes out;
  for (const auto& one : kVerbs) {
    if (one.method == method) {
      out.verb = one.verb;
    }
  }
  for (const PathRights& one : path_rights()) {
    if (is_below(path, one.path)) {
      out.subresources = one.subresources;
      return out;
    }
  }
  out.subresources = {"proxy"};
  return out;
}

}  // namespace duet::kubelet
