#include <nlohmann/json.hpp>

#include "object/codec.h"
#include "object/codec_parts.h"

namespace duet::object {
namespace {

void read_header(const JsonNode& node, HttpHeader& out) {
  node["name"].read(out.name);
  node["value"].read(out.value);
}

void read_header_filter(const JsonNode& node, HeaderFilter& out) {
  node["set"].read_list(out.set, read_header);
  node["add"].read_list(out.add, read_header);
  node["remove"].read(out.remove);
}

void read_path_modifier(const JsonNode& node, PathModifier& out) {
  std::string type;
  node["type"].read(type);
  out.replace_prefix = type == "ReplacePrefixMatch";
  node[out.replace_prefix ? "replacePrefixMatch" : "replaceFullPath"].read(out.value);
}

void read_redirect(const JsonNode& node, RequestRedirect& out) {
  node["scheme"].read(out.scheme);
  node["hostname"].read(out.hostname);
  node["path"].read_object(out.path, read_path_modifier);
  node["port"].read(out.port);
  node["statusCode"].read(out.status_code);
}

void read_rewrite(const JsonNode& node, UrlRewrite& out) {
  node["hostname"].read(out.hostname);
  node["path"].read_object(out.path, read_path_modifier);
}

void read_filter(const JsonNode& node, HttpRouteFilter& out) {
  using Type = HttpRouteFilter::Type;
  std::string type;
  node["type"].read(type);
  if (type == "RequestHeaderModifier") {
    out.type = Type::kRequestHeaderModifier;
    read_header_filter(node["requestHeaderModifier"], out.headers);
  } else if (type == "ResponseHeaderModifier") {
    out.type = Type::kResponseHeaderModifier;
    read_header_filter(node["responseHeaderModifier"], out.headers);
  } else if (type == "RequestRedirect") {
    out.type = Type::kRequestRedirect;
    read_redirect(node["requestRedirect"], out.redirect);
  } else if (type == "URLRewrite") {
    out.type = Type::kUrlRewrite;
    read_rewrite(node["urlRewrite"], out.rewrite);
  } else if (type == "ExtensionRef") {
    out.type = Type::kExtensionRef;
    node["extensionRef"]["name"].read(out.service);
  } else {
    node["type"].fail("the filter \"" + type + "\" is not supported", ErrorCode::kUnsupported);
  }
}

void read_value_match(const JsonNode& node, ValueMatch& out) {
  std::string type;
  node["type"].read(type);
  out.regular_expression = type == "RegularExpression";
  node["name"].read(out.name);
  node["value"].read(out.value);
}

void read_match(const JsonNode& node, HttpRouteMatch& out) {
  node["path"]["type"].read(out.path_type);
  node["path"]["value"].read(out.path);
  node["headers"].read_list(out.headers, read_value_match);
  node["queryParams"].read_list(out.query, read_value_match);
  node["method"].read(out.method);
}

void read_backend(const JsonNode& node, HttpBackendRef& out) {
  node["name"].read(out.service);
  node["namespace"].read(out.ns);
  node["port"].read(out.port);
  node["weight"].read(out.weight);
  node["filters"].read_list(out.filters, read_filter);
}

void read_rule(const JsonNode& node, HttpRouteRule& out) {
  node["matches"].read_list(out.matches, read_match);
  if (out.matches.empty()) {
    out.matches.emplace_back();
  }
  node["filters"].read_list(out.filters, read_filter);
  node["backendRefs"].read_list(out.backends, read_backend);
  node["timeouts"]["request"].read(out.request_timeout);
  node["timeouts"]["backendRequest"].read(out.backend_request_timeout);
}

void read_http_route(const JsonNode& root, HttpRoute& out) {
  const JsonNode spec = root["spec"];
  spec["parentRefs"].each(
      [&](const JsonNode& parent) { parent["name"].read(out.parents.emplace_back()); });
  spec["hostnames"].read(out.hostnames);
  spec["rules"].read_list(out.rules, read_rule);
  if (!spec["rules"].present()) {
    out.rules.emplace_back().matches.emplace_back();
  }
}

}  // namespace

Result<HttpRoute> decode_http_route(const std::string& json) {
  return decode_with<HttpRoute>(json, read_http_route);
}

}  // namespace duet::object
