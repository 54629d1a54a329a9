#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "gateway/config.h"

// RouteTable as JSON. Each struct has one function that names its keys, used for both directions.
namespace duet::gateway {
namespace {

using Json = nlohmann::json;

class Writer {
 public:
  template <typename T>
  void field(const char* key, const T& value) {
    constexpr bool kDefaultMayDiffer =  // from zero
        std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_same_v<T, std::string>;
    if (kDefaultMayDiffer || !(value == T{})) {
      json_[key] = write(value);
    }
  }
  template <typename T>
  static Json write(const T& value);
  Json take() { return std::move(json_); }

 private:
  Json json_ = Json::object();
};

// Takes keys from an object and remembers the first thing that was wrong.
class Reader {
 public:
  Reader(const Json& json, std::string place, std::string& error)
      : json_(json), place_(std::move(place)), error_(error) {
    if (!json.is_object()) {
      fail(place_, "must be an object");
    }
  }
  ~Reader() {
    if (json_.is_object() && known_ != json_.size() && error_.empty()) {
      fail(place_, "has an unknown key");
    }
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  template <typename T>
  void field(const char* key, T& value) {
    if (!json_.is_object()) {
      return;
    }
    const auto found = json_.find(key);
    if (found != json_.end()) {
      ++known_;
      read(*found, place_ + "." + key, value, error_);
    }
  }
  template <typename T>
  static void read(const Json& json, const std::string& place, T& value, std::string& error);

 private:
  void fail(const std::string& place, const char* what) { note(place, what, error_); }
  static void note(const std::string& place, const char* what, std::string& error) {
    if (error.empty()) {
      error = place + " " + what;
    }
  }
  const Json& json_;
  std::string place_;
  std::string& error_;
  std::size_t known_ = 0;
};

template <typename T, typename U>
concept Is = std::is_same_v<std::remove_cvref_t<T>, U>;

void visit(auto& v, Is<Header> auto& x) {
  v.field("name", x.name);
  v.field("value", x.value);
}
void visit(auto& v, Is<HeaderModifier> auto& x) {
  v.field("set", x.set);
  v.field("add", x.add);
  v.field("remove", x.remove);
}
void visit(auto& v, Is<PathMatch> auto& x) {
  v.field("type", x.type);
  v.field("value", x.value);
}
void visit(auto& v, Is<ValueMatch> auto& x) {
  v.field("name", x.name);
  v.field("value", x.value);
  v.field("regularExpression", x.regular_expression);
}
void visit(auto& v, Is<Match> auto& x) {
  v.field("path", x.path);
  v.field("headers", x.headers);
  v.field("query", x.query);
  v.field("method", x.method);
}
void visit(auto& v, Is<PathModifier> auto& x) {
  v.field("type", x.type);
  v.field("value", x.value);
}
void visit(auto& v, Is<Redirect> auto& x) {
  v.field("scheme", x.scheme);
  v.field("hostname", x.hostname);
  v.field("path", x.path);
  v.field("port", x.port);
  v.field("status", x.status);
}
void visit(auto& v, Is<UrlRewrite> auto& x) {
  v.field("hostname", x.hostname);
  v.field("path", x.path);
}
void visit(auto& v, Is<Filters> auto& x) {
  v.field("requestHeaders", x.request_headers);
  v.field("responseHeaders", x.response_headers);
  v.field("redirect", x.redirect);
  v.field("rewrite", x.rewrite);
  v.field("handlers", x.handlers);
}
void visit(auto& v, Is<WeightedBackend> auto& x) {
  v.field("backend", x.backend);
  v.field("weight", x.weight);
  v.field("filters", x.filters);
}
void visit(auto& v, Is<Rule> auto& x) {
  v.field("matches", x.matches);
  v.field("filters", x.filters);
  v.field("backends", x.backends);
  v.field("requestTimeoutMs", x.request_timeout_ms);
  v.field("backendRequestTimeoutMs", x.backend_request_timeout_ms);
}
void visit(auto& v, Is<RateLimit> auto& x) {
  v.field("count", x.count);
  v.field("periodMs", x.period_ms);
  v.field("burst", x.burst);
}
void visit(auto& v, Is<RoutePolicy> auto& x) {
  v.field("requestBytes", x.request_bytes);
  v.field("rate", x.rate);
  v.field("compress", x.compress);
}
void visit(auto& v, Is<Route> auto& x) {
  v.field("name", x.name);
  v.field("listeners", x.listeners);
  v.field("hostnames", x.hostnames);
  v.field("wildcard", x.wildcard);
  v.field("policy", x.policy);
  v.field("rules", x.rules);
}
void visit(auto& v, Is<Listener> auto& x) {
  v.field("name", x.name);
  v.field("address", x.address);
  v.field("tls", x.tls);
  v.field("proxyProtocol", x.proxy_protocol);
  v.field("group", x.group);
  v.field("ownRoutes", x.own_routes);
}
void visit(auto& v, Is<ForwardingConfig> auto& x) {
  v.field("trustedProxies", x.trusted_proxies);
  v.field("standard", x.standard);
}
void visit(auto& v, Is<Certificate> auto& x) {
  v.field("name", x.name);
  v.field("hosts", x.hosts);
  v.field("chain", x.chain_pem);
  v.field("key", x.key_pem);
}
void visit(auto& v, Is<HandlerLimits> auto& x) {
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
void visit(auto& v, Is<OutboundRule> auto& x) {
  v.field("scheme", x.scheme);
  v.field("host", x.host);
  v.field("port", x.port);
}
void visit(auto& v, Is<InstanceReuse> auto& x) {
  v.field("requests", x.requests);
  v.field("concurrency", x.concurrency);
}
void visit(auto& v, Is<HandlerBackend> auto& x) {
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
void visit(auto& v, Is<Endpoint> auto& x) {
  v.field("address", x.address);
  v.field("port", x.port);
}
void visit(auto& v, Is<ProxyBackend> auto& x) {
  v.field("endpoints", x.endpoints);
  v.field("http2", x.http2);
  v.field("connectTimeoutMs", x.connect_timeout_ms);
  v.field("idleTimeoutMs", x.idle_timeout_ms);
  v.field("retryLimit", x.retry_limit);
  v.field("failureLimit", x.failure_limit);
  v.field("countsErrors", x.counts_errors);
}
void visit(auto& v, Is<FilesBackend> auto& x) {
  v.field("folder", x.folder);
  v.field("path", x.path);
}
void visit(auto& v, Is<StaticBackend> auto& x) {
  v.field("status", x.status);
  v.field("reason", x.reason);
  v.field("contentType", x.content_type);
  v.field("body", x.body);
}
void visit(auto& v, Is<Service> auto& x) {
  v.field("namespace", x.ns);
  v.field("name", x.name);
  v.field("port", x.port);
  v.field("backend", x.backend);
  v.field("weight", x.weight);
}
void visit(auto& v, Is<GroupBackend> auto& x) {
  v.field("group", x.group);
  v.field("wallMs", x.wall_ms);
}
void visit(auto& v, Is<WorkerGroup> auto& x) {
  v.field("name", x.name);
  v.field("mayAsk", x.may_ask);
}
void visit(auto& v, Is<RouteTable> auto& x) {
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

template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};
template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <typename T>
struct IsPair : std::false_type {};
template <typename A, typename B>
struct IsPair<std::pair<A, B>> : std::true_type {};

constexpr const char* kKinds[] = {"static", "proxy", "handler", "files", "group"};

template <typename T>
Json Writer::write(const T& value) {
  if constexpr (IsVector<T>::value) {
    Json list = Json::array();
    for (const auto& item : value) {
      list.push_back(write(item));
    }
    return list;
  } else if constexpr (IsOptional<T>::value) {
    return write(*value);
  } else if constexpr (IsPair<T>::value) {
    return Json::array({value.first, value.second});
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<int>(value);
  } else if constexpr (std::is_same_v<T, BackendConfig>) {
    Json json = {{"name", value.name}};
    std::visit([&](const auto& kind) { json[kKinds[value.kind.index()]] = write(kind); },
               value.kind);
    return json;
  } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
    return value;
  } else {
    Writer writer;
    visit(writer, value);
    return writer.take();
  }
}

template <typename T>
bool read_number(const Json& json, T& value) {
  if (!json.is_number_integer()) {
    return false;
  }
  const auto wide = json.get<std::int64_t>();
  if constexpr (std::is_enum_v<T>) {
    value = static_cast<T>(wide);
    return wide >= 0 && wide <= 2;
  } else if constexpr (sizeof(T) < sizeof(wide)) {
    value = static_cast<T>(wide);
    return static_cast<std::int64_t>(value) == wide;
  } else {
    value = static_cast<T>(wide);
    return std::is_signed_v<T> || wide >= 0 || json.is_number_unsigned();
  }
}

void read_backend(const Json& json, const std::string& place, BackendConfig& value,
                  std::string& error) {
  Reader reader(json, place, error);
  reader.field("name", value.name);
  if (json.contains("proxy")) {
    reader.field("proxy", value.kind.emplace<ProxyBackend>());
  } else if (json.contains("handler")) {
    reader.field("handler", value.kind.emplace<HandlerBackend>());
  } else if (json.contains("files")) {
    reader.field("files", value.kind.emplace<FilesBackend>());
  } else if (json.contains("group")) {
    reader.field("group", value.kind.emplace<GroupBackend>());
  } else {
    reader.field("static", value.kind.emplace<StaticBackend>());
  }
}

template <typename T>
void Reader::read(const Json& json, const std::string& place, T& value, std::string& error) {
  if (!error.empty()) {
    return;
  }
  if constexpr (IsVector<T>::value) {
    if (!json.is_array()) {
      note(place, "must be a list", error);
      return;
    }
    value.resize(json.size());
    for (std::size_t i = 0; i < json.size(); ++i) {
      read(json[i], place + "[" + std::to_string(i) + "]", value[i], error);
    }
  } else if constexpr (IsOptional<T>::value) {
    read(json, place, value.emplace(), error);
  } else if constexpr (IsPair<T>::value) {
    if (!json.is_array() || json.size() != 2) {
      note(place, "must be a pair", error);
      return;
    }
    read(json[0], place + "[0]", value.first, error);
    read(json[1], place + "[1]", value.second, error);
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (!json.is_string()) {
      note(place, "must be a string", error);
      return;
    }
    value = json.get_ref<const std::string&>();
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!json.is_boolean()) {
      note(place, "must be true or false", error);
      return;
    }
    value = json.get<bool>();
  } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
    if (!read_number(json, value)) {
      note(place, "must be a number in range", error);
    }
  } else if constexpr (std::is_same_v<T, BackendConfig>) {
    read_backend(json, place, value, error);
  } else {
    Reader reader(json, place, error);
    visit(reader, value);
  }
}

}  // namespace

std::string format_route_table(const RouteTable& table) {
  return Writer::write(table).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<RouteTable> parse_route_table(std::string_view json) {
  const Json parsed = Json::parse(json, nullptr, false);
  if (parsed.is_discarded()) {
    return invalid("the route table is not JSON");
  }
  RouteTable table;
  std::string error;
  Reader::read(parsed, "table", table, error);
  if (!error.empty()) {
    return invalid(error);
  }
  return table;
}

}  // namespace duet::gateway
