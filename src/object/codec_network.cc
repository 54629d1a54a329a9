#include <nlohmann/json.hpp>

#include "object/codec.h"
#include "object/codec_parts.h"

namespace duet::object {
namespace {

void read_service_port(const JsonNode& node, ServicePort& out) {
  node["name"].read(out.name);
  node["port"].read(out.port);
  node["protocol"].read(out.protocol);
  node["appProtocol"].read(out.app_protocol);
  node["targetPort"].read_int_or_string(out.target_port);
  if (out.target_port.empty() || out.target_port == "0") {
    out.target_port = std::to_string(out.port);
  }
}

void read_service(const JsonNode& root, Service& out) {
  const JsonNode spec = root["spec"];
  spec["type"].read(out.type);
  spec["clusterIP"].read(out.cluster_ip);
  spec["selector"].read(out.selector);
  spec["ports"].read_list(out.ports, read_service_port);
  std::string traffic;
  spec["internalTrafficPolicy"].read(traffic);
  out.own_node_only = traffic == "Local";
  spec["trafficDistribution"].read(traffic);
  out.prefers_own_node = traffic == "PreferSameNode";
}

// A condition that is not known counts as fulfilled, serving as ready (API reference of
// EndpointConditions).
void read_slice_endpoint(const JsonNode& node, SliceEndpoint& out) {
  std::vector<std::string> addresses;
  node["addresses"].read(addresses);
  out.address = addresses.empty() ? "" : addresses.front();
  const JsonNode conditions = node["conditions"];
  conditions["ready"].read(out.ready);
  out.serving = out.ready;
  conditions["serving"].read(out.serving);
  conditions["terminating"].read(out.terminating);
  std::string kind;
  node["targetRef"]["kind"].read(kind);
  if (kind == "Pod") {
    node["targetRef"]["uid"].read(out.pod_uid);
  }
}

void read_slice_port(const JsonNode& node, SlicePort& out) {
  node["name"].read(out.name);
  node["protocol"].read(out.protocol);
  node["port"].read(out.port);
}

void read_endpoint_slice(const JsonNode& root, EndpointSlice& out) {
  if (const auto label = out.meta.labels.find(kServiceNameLabel); label != out.meta.labels.end()) {
    out.service = label->second;
  }
  root["addressType"].read(out.address_type);
  root["endpoints"].read_list(out.endpoints, read_slice_endpoint);
  root["ports"].read_list(out.ports, read_slice_port);
}

void read_ingress_backend(const JsonNode& node, IngressBackend& out) {
  node["service"]["name"].read(out.service);
  node["service"]["port"]["number"].read(out.port_number);
  node["service"]["port"]["name"].read(out.port_name);
}

void read_ingress_path(const JsonNode& node, IngressPath& out) {
  node["path"].read(out.path);
  if (out.path.empty()) {
    out.path += "/";
  }
  node["pathType"].read(out.path_type);
  read_ingress_backend(node["backend"], out.backend);
}

void read_ingress_rule(const JsonNode& node, IngressRule& out) {
  node["host"].read(out.host);
  node["http"]["paths"].read_list(out.paths, read_ingress_path);
}

void read_ingress_tls(const JsonNode& node, IngressTls& out) {
  node["hosts"].read(out.hosts);
  node["secretName"].read(out.secret_name);
}

void read_ingress(const JsonNode& root, Ingress& out) {
  const JsonNode spec = root["spec"];
  spec["ingressClassName"].read(out.ingress_class_name);
  spec["defaultBackend"].read_object(out.default_backend, read_ingress_backend);
  spec["rules"].read_list(out.rules, read_ingress_rule);
  spec["tls"].read_list(out.tls, read_ingress_tls);
}

}  // namespace

Result<Service> decode_service(const std::string& json) {
  return decode_with<Service>(json, read_service);
}

Result<EndpointSlice> decode_endpoint_slice(const std::string& json) {
  return decode_with<EndpointSlice>(json, read_endpoint_slice);
}

Result<Ingress> decode_ingress(const std::string& json) {
  return decode_with<Ingress>(json, read_ingress);
}

}  // namespace duet::object
