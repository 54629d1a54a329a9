#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"

// The whole configuration of a gateway worker as plain values. The agent builds a RouteTable from
// its objects and sends it as a whole; a worker swaps it atomically, and a request in flight
// finishes with the table it started with.
//
// Names of listeners and backends are chosen by the builder and only have to be unique in the
// table.
namespace duet::gateway {

struct Header {
  std::string name;
  std::string value;
  bool operator==(const Header&) const = default;
};

// HTTPHeaderFilter of the Gateway API: `set` replaces, `add` appends, `remove` deletes (names in
// any case).
struct HeaderModifier {
  std::vector<Header> set;
  std::vector<Header> add;
  std::vector<std::string> remove;
  bool empty() const { return set.empty() && add.empty() && remove.empty(); }
  bool operator==(const HeaderModifier&) const = default;
};

// HTTPPathMatch. kPrefix matches whole segments: /foo matches /foo and /foo/bar, never /foobar. A
// regular expression (RE2) must match the whole path. Paths are matched as sent, without the query.
struct PathMatch {
  enum class Type : std::uint8_t { kExact, kPrefix, kRegularExpression };
  Type type = Type::kPrefix;
  std::string value = "/";
  bool operator==(const PathMatch&) const = default;
};

// One header or query parameter; a regular expression (RE2) must match the whole value.
struct ValueMatch {
  std::string name;
  std::string value;
  bool regular_expression = false;
  bool operator==(const ValueMatch&) const = default;
};

// All conditions must hold. An empty method is any method.
struct Match {
  PathMatch path;
  std::vector<ValueMatch> headers;
  std::vector<ValueMatch> query;
  std::string method;
  bool operator==(const Match&) const = default;
};

struct PathModifier {
  enum class Type : std::uint8_t { kReplaceFullPath, kReplacePrefixMatch };
  Type type = Type::kReplaceFullPath;
  std::string value;
  bool operator==(const PathModifier&) const = default;
};

// RequestRedirect: what is empty or 0 stays as the request had it; the port follows a changed
// scheme's default.
struct Redirect {
  std::string scheme;
  std::string hostname;
  std::optional<PathModifier> path;
  int port = 0;
  int status = 302;
  bool operator==(const Redirect&) const = default;
};

struct UrlRewrite {
  std::string hostname;
  std::optional<PathModifier> path;
  bool operator==(const UrlRewrite&) const = default;
};

struct Filters {
  HeaderModifier request_headers;
  HeaderModifier response_headers;
  std::optional<Redirect> redirect;  // answers at once; backends are not asked
  std::optional<UrlRewrite> rewrite;
  // Backends, handlers as a rule, that stand before the rule's in this order. Each answers by
  // itself or asks the next one (see route_steps.h). They see the request after the other filters.
  std::vector<std::string> handlers;
  bool operator==(const Filters&) const = default;
};

// A share of a rule's requests. `backend` names one in RouteTable::backends; requests to a name
// that is not there get a 500, as the Gateway API asks for a reference that does not resolve.
// Weight 0 gets nothing.
struct WeightedBackend {
  std::string backend;
  std::uint32_t weight = 1;
  Filters filters;  // after the rule's; redirect has no meaning here
  bool operator==(const WeightedBackend&) const = default;
};

struct Rule {
  std::vector<Match> matches;  // any of them; empty: every request
  Filters filters;
  std::vector<WeightedBackend> backends;  // empty without a redirect: 500
  std::int64_t request_timeout_ms =
      0;  // the whole exchange with the client; 0: the worker's default
  std::int64_t backend_request_timeout_ms =
      0;  // one request to a backend, to its response's end; 0: none
  bool operator==(const Rule&) const = default;
};

// How many requests one client address may make.
struct RateLimit {
  std::int64_t count = 0;  // 0: no bound
  std::int64_t period_ms = 1'000;
  std::int64_t burst = 1;  // at once, after a silence
  bool operator==(const RateLimit&) const = default;
};

// What a route asks of the requests of its clients.
struct RoutePolicy {
  std::int64_t request_bytes = 256LL << 20;  // of a body; past it: 413; 0: no bound
  RateLimit rate;                            // of each worker; past it: 429
  bool compress = false;                     // answers, with gzip, where type and client allow it
  bool operator==(const RoutePolicy&) const = default;
};

// What one HTTPRoute or Ingress asks for. Precedence is that of HTTPRouteRule in the Gateway API:
// the more specific hostname, exact path, regular expression, longest prefix, method, most headers,
// most query parameters; and for equals the earlier route in the table, then the earlier rule. So
// the builder sorts routes by creation time, then name.
struct Route {
  // How much "*." stands for: the Gateway API and Ingress differ.
  enum class Wildcard : std::uint8_t { kOneOrMoreLabels, kOneLabel };
  std::string name;                    // for the access log: HTTPRoute default/shop
  std::vector<std::string> listeners;  // names; empty: all but those with routes of their own
  std::vector<std::string> hostnames;  // lower case, without port; may begin with "*."; empty: any
  Wildcard wildcard = Wildcard::kOneOrMoreLabels;
  RoutePolicy policy;
  std::vector<Rule> rules;
  bool operator==(const Route&) const = default;
};

// A listening socket. Its descriptor is sent by the control protocol under the same name before the
// table.
struct Listener {
  std::string name;
  std::string address;  // for messages: "0.0.0.0:8080"
  bool tls = false;
  bool proxy_protocol = false;  // each connection begins with such a header, before TLS
  bool group = false;           // connections are not clients', but the shared group's gateway's
  // Its requests are matched by the routes that name it and by no other; their hostnames have no
  // meaning. For a socket at a pod's own address.
  bool own_routes = false;
  bool operator==(const Listener&) const = default;
};

// What a handler may use for one request, and how many requests at a time. Each has a safe default
// and is enforced.
struct HandlerLimits {
  std::int64_t cpu_ms = 50;             // CPU time of the guest; past it: 504 CPULimit
  std::int64_t first_byte_ms = 10'000;  // wall time to the response's head; past it: 504 Timeout
  std::int64_t wall_ms = 30'000;        // wall time of the whole request; past it the answer is cut
  std::int64_t memory_bytes = 64 << 20;  // linear memories together
  std::int64_t table_elements = 20'000;  // of all tables together
  std::int32_t instances = 100;          // core instances
  std::int32_t handles = 1'000;          // host objects that the guest holds
  std::int64_t header_bytes = 64 << 10;  // of one set of headers that the guest makes
  std::int64_t buffer_bytes = 64 << 10;  // of a body that waits for the guest, and of one piece
                                         // that it writes
  std::int64_t response_bytes = 256LL << 20;  // body of the response; past it the answer is cut
  std::int64_t log_bytes = 64 << 10;          // stdout and stderr of one request; more is dropped
  std::int32_t in_flight = 256;               // requests at the same time; past it: 503 Overloaded
  std::int32_t outgoing = 32;                 // outgoing requests in all
  std::int32_t outgoing_concurrent = 8;       // at the same time
  std::int64_t outgoing_bytes = 256LL << 20;  // bodies of them and of their answers, in all
  std::int64_t outgoing_ms = 10'000;          // wall time of one outgoing request
  bool operator==(const HandlerLimits&) const = default;
};

// Where a handler may connect. The host is exact, "*.suffix", or "*"; port 0 is the scheme's
// default.
struct OutboundRule {
  std::string scheme = "http";
  std::string host;
  int port = 0;
  bool operator==(const OutboundRule&) const = default;
};

// How often a handler's sandbox is used, which needs a component of wasi:http 0.3.
struct InstanceReuse {
  std::int32_t requests = 1;     // that it answers in its life; 1: each request has a fresh one
  std::int32_t concurrency = 1;  // of them at the same time
  bool operator==(const InstanceReuse&) const = default;
};

// A component, or a core module that speaks CGI, that answers each request in a fresh sandbox,
// unless `reuse` says otherwise.
struct HandlerBackend {
  std::string code;  // digest under which the code file was sent by the control protocol
  engine::Use use = engine::Use::kOwn;  // which code of the digest that is
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<std::string> args;
  HandlerLimits limits;
  InstanceReuse reuse;
  std::vector<OutboundRule> allow_outbound;  // empty: none
  std::string ns;                            // namespace in which short service names are looked up
  std::string log_path;               // CRI log file of the container; empty: output is dropped
  bool passes_authorization = false;  // to a program that speaks CGI; components see every field
  bool operator==(const HandlerBackend&) const = default;
};

struct Endpoint {
  std::string address;  // an IP address
  int port = 0;
  bool operator==(const Endpoint&) const = default;
};

// Containers behind a service port. Without endpoints: 503 NoEndpoints.
struct ProxyBackend {
  std::vector<Endpoint> endpoints;
  bool http2 = false;  // they speak HTTP/2 without TLS, from a connection's first byte
  std::int64_t connect_timeout_ms = 2'000;
  std::int64_t idle_timeout_ms =
      60'000;                      // between bytes of the answer; upgraded connections are not cut
  std::int32_t retry_limit = 2;    // of one request that may be sent again
  std::int32_t failure_limit = 3;  // in a row, and a server is left out for a while; 0: never
  bool counts_errors = false;      // an answer of 500 and above is such a failure
  bool operator==(const ProxyBackend&) const = default;
};

// A handler of another worker group, known to that group's gateway by this backend's name.
struct GroupBackend {
  std::string group;         // empty: the shared one
  std::int64_t wall_ms = 0;  // how long the handler may take in all; 0: no bound
  bool operator==(const GroupBackend&) const = default;
};

// An answer of our own: a backend that is missing (503 or 500 with its reason), a default backend,
// a static route.
struct StaticBackend {
  int status = 404;
  std::string reason;        // one word for the access log: ServiceNotFound
  std::string content_type;  // empty: text/plain
  std::string body;          // empty: the status and reason as text
  bool operator==(const StaticBackend&) const = default;
};

// The files of a folder.
struct FilesBackend {
  std::string folder;  // under which its descriptor was sent by the control protocol
  std::string path;    // below it; empty: the folder itself
  bool operator==(const FilesBackend&) const = default;
};

struct BackendConfig {
  std::string name;
  // Behind a service whose ready pods are several handlers, each one is a backend and the rule
  // weighs them.
  std::variant<StaticBackend, ProxyBackend, HandlerBackend, FilesBackend, GroupBackend> kind;
  bool operator==(const BackendConfig&) const = default;
};

// A service port by name, for outgoing requests of handlers: http://<name>:<port>, <name>.<ns>,
// <name>.<ns>.svc and <name>.<ns>.svc.cluster.local lead to `backend`, whether containers or a
// handler. (Still subject to allow_outbound, whose rule may name the host in any of these forms.)
// A port with several backends stands in the table once for each, and their weights divide the
// requests.
struct Service {
  std::string ns;
  std::string name;
  int port = 80;
  std::string backend;
  std::uint32_t weight = 1;
  bool operator==(const Service&) const = default;
};

// A certificate that listeners with TLS show to clients that ask for one of `hosts`. Of several for
// a host the first is shown.
struct Certificate {
  std::string name;                // for messages: Secret default/shop
  std::vector<std::string> hosts;  // lower case; "*.example.com" takes one label
  std::string chain_pem;
  std::string key_pem;
  bool operator==(const Certificate&) const = default;
};

// Which peers are believed when they say for whom they connect or ask.
struct ForwardingConfig {
  std::vector<std::string> trusted_proxies;  // IP addresses and ranges: 10.0.0.0/8
  bool standard = false;  // they say it in Forwarded (RFC 7239), not in X-Forwarded-For
  bool operator==(const ForwardingConfig&) const = default;
};

// A worker group besides this one. The way to its gateway is sent by the control protocol.
struct WorkerGroup {
  std::string name;                  // not empty
  std::vector<std::string> may_ask;  // backends of this table that its handlers may ask
  bool operator==(const WorkerGroup&) const = default;
};

struct RouteTable {
  std::uint64_t generation = 0;  // chosen by the agent, told back by the worker's status
  std::vector<Listener> listeners;
  ForwardingConfig forwarding;  // for connections that are made from now on
  std::vector<Certificate> certificates;
  std::string authorities_pem;  // that vouch for servers of https, beside the system's
  std::vector<Route> routes;
  std::vector<BackendConfig> backends;
  std::vector<Service> services;
  std::vector<WorkerGroup> groups;
  bool operator==(const RouteTable&) const = default;
};

// The table as JSON for the control socket, and back. Unknown keys and wrong types are errors that
// name the place.
std::string format_route_table(const RouteTable& table);
Result<RouteTable> parse_route_table(std::string_view json);

}  // namespace duet::gateway
