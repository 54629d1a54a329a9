#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "object/object.h"
#include "object/pod.h"

// The kinds beside Pod, as far as duet carries them out.
namespace duet::object {

struct Deployment {  // apps/v1
  Meta meta;
  int replicas = 1;
  StringMap selector;                      // matchLabels
  std::string strategy = "RollingUpdate";  // or Recreate
  std::string max_surge = "25%";           // number or percentage
  std::string max_unavailable = "25%";
  int min_ready_seconds = 0;
  int progress_deadline_seconds = 600;
  bool paused = false;
  PodTemplate pod_template;
  std::string pod_template_json;  // the template as given, to make Pods from
};

struct ServicePort {
  std::string name;
  int port = 0;
  std::string target_port;  // number or name; defaulted to port
  std::string protocol = "TCP";
  std::string app_protocol;
};

struct Service {  // core/v1
  Meta meta;
  std::string type = "ClusterIP";
  std::string cluster_ip;
  StringMap selector;
  std::vector<ServicePort> ports;
  bool own_node_only = false;     // internalTrafficPolicy: Local
  bool prefers_own_node = false;  // trafficDistribution: PreferSameNode
};

// The label by which an EndpointSlice says whose endpoints it has.
inline constexpr const char* kServiceNameLabel = "kubernetes.io/service-name";

struct SliceEndpoint {
  std::string address;  // the first of its addresses, which stand for one endpoint
  bool ready = true;
  bool serving = true;  // as ready, but also while it ends
  bool terminating = false;
  std::string pod_uid;  // of the pod that it is; empty: no pod, or its uid is not told
};

struct SlicePort {
  std::string name;
  std::string protocol = "TCP";
  int port = 0;  // 0: none is given
};

struct EndpointSlice {  // discovery.k8s.io/v1
  Meta meta;
  std::string service;  // of its namespace, by the label kubernetes.io/service-name
  std::string address_type;
  std::vector<SliceEndpoint> endpoints;
  std::vector<SlicePort> ports;
};

struct ConfigMap {  // core/v1
  Meta meta;
  StringMap data;
  StringMap binary_data;  // decoded from base64
};

struct Secret {  // core/v1
  Meta meta;
  std::string type = "Opaque";
  StringMap data;  // decoded from base64, stringData merged in
};

struct IngressBackend {
  std::string service;
  int port_number = 0;
  std::string port_name;
};

struct IngressPath {
  std::string path = "/";
  std::string path_type;  // Exact, Prefix, ImplementationSpecific
  IngressBackend backend;
};

struct IngressRule {
  std::string host;  // empty: every host; may start with "*."
  std::vector<IngressPath> paths;
};

struct IngressTls {
  std::vector<std::string> hosts;
  std::string secret_name;
};

struct Ingress {  // networking.k8s.io/v1
  Meta meta;
  std::string ingress_class_name;
  std::optional<IngressBackend> default_backend;
  std::vector<IngressRule> rules;
  std::vector<IngressTls> tls;
};

struct HttpHeader {
  std::string name;
  std::string value;
};

struct HeaderFilter {  // RequestHeaderModifier, ResponseHeaderModifier
  std::vector<HttpHeader> set;
  std::vector<HttpHeader> add;
  std::vector<std::string> remove;
};

struct PathModifier {           // HTTPPathModifier
  bool replace_prefix = false;  // ReplacePrefixMatch, else ReplaceFullPath
  std::string value;
};

struct RequestRedirect {
  std::string scheme;
  std::string hostname;
  std::optional<PathModifier> path;
  int port = 0;
  int status_code = 302;
};

struct UrlRewrite {
  std::string hostname;
  std::optional<PathModifier> path;
};

struct HttpRouteFilter {
  enum class Type {
    kRequestHeaderModifier,
    kResponseHeaderModifier,
    kRequestRedirect,
    kUrlRewrite,
    kExtensionRef,
  };
  Type type = Type::kRequestHeaderModifier;
  HeaderFilter headers;
  RequestRedirect redirect;
  UrlRewrite rewrite;
  std::string service;  // ExtensionRef: the Service of a handler, in the route's namespace
};

struct ValueMatch {  // one header or query parameter
  std::string name;
  std::string value;
  bool regular_expression = false;  // else exact
};

struct HttpRouteMatch {
  std::string path_type = "PathPrefix";  // Exact, PathPrefix, RegularExpression
  std::string path = "/";
  std::vector<ValueMatch> headers;
  std::vector<ValueMatch> query;
  std::string method;  // empty: any
};

struct HttpBackendRef {
  std::string service;
  std::string ns;  // empty: the route's own
  int port = 0;
  int weight = 1;
  std::vector<HttpRouteFilter> filters;
};

struct HttpRouteRule {
  std::vector<HttpRouteMatch> matches;  // defaulted to one that matches everything
  std::vector<HttpRouteFilter> filters;
  std::vector<HttpBackendRef> backends;
  std::string request_timeout;  // Gateway API duration, empty: none
  std::string backend_request_timeout;
};

struct HttpRoute {  // gateway.networking.k8s.io/v1
  Meta meta;
  std::vector<std::string> parents;  // names of the Gateways in parentRefs
  std::vector<std::string> hostnames;
  std::vector<HttpRouteRule> rules;
};

}  // namespace duet::object
