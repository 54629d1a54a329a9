#include <nlohmann/json.hpp>
#include <variant>

#include "gateway/config.h"
#include "gateway/struct_json.h"

// RouteTable as JSON. Each struct has one function that names its keys, used for both directions.
namespace duet::gateway {

static void visit(auto& v, Is<Header> auto& x) {
  v.field("name", x.name);
  v.field("value", x.value);
}
static void visit(auto& v, Is<HeaderModifier> auto& x) {
  v.field("set", x.set);
  v.field("add", x.add);
  v.field("remove", x.remove);
}
static void visit(auto& v, Is<PathMatch> auto& x) {
  v.field("type", x.type);
  v.field("value", x.value);
}
static void visit(auto& v, Is<ValueMatch> auto& x) {
  v.field("name", x.name);
  v.field("value", x.value);
  v.field("regularExpression", x.regular_expression);
}
static void visit(auto& v, Is<Match> auto& x) {
  v.field("path", x.path);
  v.field("headers", x.headers);
  v.field("query", x.query);
  v.field("method", x.method);
}
static void visit(auto& v, Is<PathModifier> auto& x) {
  v.field("type", x.type);
  v.field("value", x.value);
}
static void visit(auto& v, Is<Redirect> auto& x) {
  v.field("scheme", x.scheme);
  v.field("hostname", x.hostname);
  v.field("path", x.path);
  v.field("port", x.port);
  v.field("status", x.status);
}
static void visit(auto& v, Is<UrlRewrite> auto& x) {
  v.field("hostname", x.hostname);
  v.field("path", x.path);
}
static void visit(auto& v, Is<Filters> auto& x) {
  v.field("requestHeaders", x.request_headers);
  v.field("responseHeaders", x.response_headers);
  v.field("redirect", x.redirect);
  v.field("rewrite", x.rewrite);
  v.field("handlers", x.handlers);
}
static void visit(auto& v, Is<WeightedBackend> auto& x) {
  v.field("backend", x.backend);
  v.field("weight", x.weight);
  v.field("filters", x.filters);
}
static void visit(auto& v, Is<Rule> auto& x) {
  v.field("matches", x.matches);
  v.field("filters", x.filters);
  v.field("backends", x.backends);
  v.field("requestTimeoutMs", x.request_timeout_ms);
  v.field("backendRequestTimeoutMs", x.backend_request_timeout_ms);
}
static void visit(auto& v, Is<RateLimit> auto& x) {
  v.field("count", x.count);
  v.field("periodMs", x.period_ms);
  v.field("burst", x.burst);
}
static void visit(auto& v, Is<RoutePolicy> auto& x) {
  v.field("requestBytes", x.request_bytes);
  v.field("rate", x.rate);
  v.field("compress", x.compress);
}
static void visit(auto& v, Is<Route> auto& x) {
  v.field("name", x.name);
  v.field("listeners", x.listeners);
  v.field("hostnames", x.hostnames);
  v.field("wildcard", x.wildcard);
  v.field("policy", x.policy);
  v.field("rules", x.rules);
}
static void visit(auto& v, Is<Listener> auto& x) {
  v.field("name", x.name);
  v.field("address", x.address);
  v.field("tls", x.tls);
  v.field("proxyProtocol", x.proxy_protocol);
  v.field("group", x.group);
  v.field("ownRoutes", x.own_routes);
}
static void visit(auto& v, Is<ForwardingConfig> auto& x) {
  v.field("trustedProxies", x.trusted_proxies);
  v.field("standard", x.standard);
}
static void visit(auto& v, Is<Certificate> auto& x) {
  v.field("name", x.name);
  v.field("hosts", x.hosts);
  v.field("chain", x.chain_pem);
  v.field("key", x.key_pem);
}
static void visit(auto& v, Is<HandlerLimits> auto& x) {
  v.field("cpuMs", x.cpu_ms);
  v.field("firstByteMs", x.first_byte_ms);
  v.field("wallMs", x.wall_ms);
  v.field("memoryBytes", x.memory_bytes);
  v.field("tableElements", x.table_elements);
  v.field("instances", x.instances);
  v.field("handles", x.handles);
  v.field("headerBytes", x.header_bytes);
  v.field("bufferBytes", x.buffer_bytes);
  v.field("responseBytes", x.response_bytes);
  v.field("logBytes", x.log_bytes);
  v.field("inFlight", x.in_flight);
  v.field("outgoing", x.outgoing);
  v.field("outgoingConcurrent", x.outgoing_concurrent);
  v.field("outgoingBytes", x.outgoing_bytes);
  v.field("outgoingMs", x.outgoing_ms);
}
static void visit(auto& v, Is<OutboundRule> auto& x) {
  v.field("scheme", x.scheme);
  v.field("host", x.host);
  v.field("port", x.port);
}
static void visit(auto& v, Is<InstanceReuse> auto& x) {
  v.field("requests", x.requests);
  v.field("concurrency", x.concurrency);
}
static void visit(auto& v, Is<HandlerBackend> auto& x) {
  v.field("code", x.code);
  v.field("use", x.use);
  v.field("env", x.env);
  v.field("args", x.args);
  v.field("limits", x.limits);
  v.field("reuse", x.reuse);
  v.field("allowOutbound", x.allow_outbound);
  v.field("namespace", x.ns);
  v.field("logPath", x.log_path);
  v.field("passesAuthorization", x.passes_authorization);
}
static void visit(auto& v, Is<Endpoint> auto& x) {
  v.field("address", x.address);
  v.field("port", x.port);
}
static void visit(auto& v, Is<ProxyBackend> auto& x) {
  v.field("endpoints", x.endpoints);
  v.field("http2", x.http2);
  v.field("connectTimeoutMs", x.connect_timeout_ms);
  v.field("idleTimeoutMs", x.idle_timeout_ms);
  v.field("retryLimit", x.retry_limit);
  v.field("failureLimit", x.failure_limit);
  v.field("countsErrors", x.counts_errors);
}
static void visit(auto& v, Is<FilesBackend> auto& x) {
  v.field("folder", x.folder);
  v.field("path", x.path);
}
static void visit(auto& v, Is<StaticBackend> auto& x) {
  v.field("status", x.status);
  v.field("reason", x.reason);
  v.field("contentType", x.content_type);
  v.field("body", x.body);
}
// The key of each kind of backend. It tells the kind, so it is there even if all below it is left
// out; without one of them a backend is static.
constexpr const char* kKinds[] = {"static", "proxy", "handler", "files", "group"};

static void visit(StructWriter& v, const BackendConfig& x) {
  v.field("name", x.name);
  std::visit([&](const auto& kind) { v.required(kKinds[x.kind.index()], kind); }, x.kind);
}
static void visit(StructReader& v, BackendConfig& x) {
  v.field("name", x.name);
  if (v.has("proxy")) {
    v.field("proxy", x.kind.emplace<ProxyBackend>());
  } else if (v.has("handler")) {
    v.field("handler", x.kind.emplace<HandlerBackend>());
  } else if (v.has("files")) {
    v.field("files", x.kind.emplace<FilesBackend>());
  } else if (v.has("group")) {
    v.field("group", x.kind.emplace<GroupBackend>());
  } else {
    v.field("static", x.kind.emplace<StaticBackend>());
  }
}
static void visit(auto& v, Is<Service> auto& x) {
  v.field("namespace", x.ns);
  v.field("name", x.name);
  v.field("port", x.port);
  v.field("backend", x.backend);
  v.field("weight", x.weight);
}
static void visit(auto& v, Is<GroupBackend> auto& x) {
  v.field("group", x.group);
  v.field("wallMs", x.wall_ms);
}
static void visit(auto& v, Is<WorkerGroup> auto& x) {
  v.field("name", x.name);
  v.field("mayAsk", x.may_ask);
}
static void visit(auto& v, Is<RouteTable> auto& x) {
  v.field("generation", x.generation);
  v.field("listeners", x.listeners);
  v.field("forwarding", x.forwarding);
  v.field("certificates", x.certificates);
  v.field("authorities", x.authorities_pem);
  v.field("routes", x.routes);
  v.field("backends", x.backends);
  v.field("services", x.services);
  v.field("groups", x.groups);
}

std::string format_route_table(const RouteTable& table) {
  return StructWriter::write(table).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<RouteTable> parse_route_table(std::string_view json) {
  const auto parsed = nlohmann::json::parse(json, nullptr, false);
  if (parsed.is_discarded()) {
    return invalid("the route table is not JSON");
  }
  RouteTable table;
  std::string error;
  StructReader::read(parsed, "table", table, error);
  if (!error.empty()) {
    return invalid(error);
  }
  return table;
}

}  // namespace duet::gateway
