#include "api/router.h"

#include "api/handlers.h"
#include "object/kind.h"

namespace duet::api {
namespace {

using Handler = void (*)(Exchange&);

struct PathRoute {
  std::string_view path;  // ends with /: every path below it
  Handler handler;
};

// GET only.
constexpr PathRoute kPathRoutes[] = {
    {"/version", handle_version}, {"/healthz", handle_health},   {"/livez", handle_health},
    {"/readyz", handle_health},   {"/api", handle_api_versions}, {"/api/", handle_resources},
    {"/apis", handle_api_groups}, {"/apis/", handle_resources},  {"/metrics", handle_metrics},
};

enum class Target { kCollection, kObject };

struct ResourceRoute {
  std::string_view method;
  Target target;
  std::string_view subresource;
  Handler handler;
};

constexpr ResourceRoute kResourceRoutes[] = {
    {"GET", Target::kCollection, "", handle_list},
    {"POST", Target::kCollection, "", handle_create},
    {"GET", Target::kObject, "", handle_get},
    {"PUT", Target::kObject, "", handle_replace},
    {"PATCH", Target::kObject, "", handle_patch},
    {"DELETE", Target::kObject, "", handle_delete},
    {"GET", Target::kObject, "log", handle_log},
    {"GET", Target::kObject, "exec", handle_exec},
    {"POST", Target::kObject, "exec", handle_exec},
    {"GET", Target::kObject, "attach", handle_attach},
    {"POST", Target::kObject, "attach", handle_attach},
};

Failure no_such_path() {
  return {.http_status = 404,
          .reason = "NotFound",
          .message = "the server could not find the requested resource"};
}

Failure no_such_method() {
  return {.http_status = 405,
          .reason = "MethodNotAllowed",
          .message = "the server does not allow this method on the requested resource"};
}

// Events are the node's own words: clients read and delete them.
bool is_writable(object::Kind kind, std::string_view method) {
  return kind != object::Kind::kEvent || method == "GET" || method == "DELETE";
}

void route_resource(Exchange& exchange) {
  const ResourcePath& path = exchange.path;
  const std::string_view method =
      exchange.request.method == "HEAD" ? "GET" : std::string_view(exchange.request.method);
  const Target target = path.name.empty() ? Target::kCollection : Target::kObject;
  if (!path.subresource.empty() && path.kind != object::Kind::kPod) {
    return exchange.answer(no_such_path());
  }
  bool path_exists = false;
  for (const ResourceRoute& one : kResourceRoutes) {
    if (one.target != target || one.subresource != path.subresource) {
      continue;
    }
    path_exists = true;
    if (one.method == method && is_writable(path.kind, method)) {
      return one.handler(exchange);
    }
  }
  exchange.answer(path_exists ? no_such_method() : no_such_path());
}

bool fits(const PathRoute& one, std::string_view path) {
  return one.path.ends_with('/') ? path.starts_with(one.path) && path.size() > one.path.size()
                                 : path == one.path;
}

}  // namespace

void route(Exchange& exchange) {
  auto query = Query::parse(exchange.request.query);
  if (!query.ok()) {
    return exchange.answer(query.error());
  }
  exchange.query = std::move(*query);
  const std::string& path = exchange.request.path;
  if (auto resource = parse_resource_path(path)) {
    exchange.path = std::move(*resource);
    return route_resource(exchange);
  }
  for (const PathRoute& one : kPathRoutes) {
    if (fits(one, path)) {
      const std::string& method = exchange.request.method;
      return method == "GET" || method == "HEAD" ? one.handler(exchange)
                                                 : exchange.answer(no_such_method());
    }
  }
  exchange.answer(no_such_path());
}

}  // namespace duet::api
