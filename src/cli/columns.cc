#include "cli/columns.h"

#include <map>
#include <set>

#include "cli/duration.h"
#include "cli/pod_summary.h"
#include "object/kind.h"

namespace duet::cli {
namespace {

using object::Kind;

std::string name_cell(const Json& object, sys::WallTime) {
  return text_at(object, "/metadata/name");
}

std::string age_cell(const Json& object, sys::WallTime now) {
  return age_of(text_at(object, "/metadata/creationTimestamp"), now);
}

std::string pod_ready(const Json& pod, sys::WallTime now) { return summarize_pod(pod, now).ready; }
std::string pod_status(const Json& pod, sys::WallTime now) {
  return summarize_pod(pod, now).status;
}
std::string pod_restarts(const Json& pod, sys::WallTime now) {
  return summarize_pod(pod, now).restarts;
}
std::string pod_ip(const Json& pod, sys::WallTime) {
  return or_none(text_at(pod, "/status/podIP"));
}
std::string pod_node(const Json& pod, sys::WallTime) {
  return or_none(text_at(pod, "/spec/nodeName"));
}

std::string deployment_ready(const Json& object, sys::WallTime) {
  return std::to_string(number_at(object, "/status/readyReplicas")) + "/" +
         std::to_string(number_at(object, "/spec/replicas", 1));
}
std::string deployment_updated(const Json& object, sys::WallTime) {
  return std::to_string(number_at(object, "/status/updatedReplicas"));
}
std::string deployment_available(const Json& object, sys::WallTime) {
  return std::to_string(number_at(object, "/status/availableReplicas"));
}
std::string joined_field(const Json& list, const char* field) {
  std::string out;
  for (const Json& one : list) {
    out += (out.empty() ? "" : ",") + text_at(one, field);
  }
  return out;
}
std::string deployment_containers(const Json& object, sys::WallTime) {
  return joined_field(at(object, "/spec/template/spec/containers"), "/name");
}
std::string deployment_images(const Json& object, sys::WallTime) {
  return joined_field(at(object, "/spec/template/spec/containers"), "/image");
}
std::string deployment_selector(const Json& object, sys::WallTime) {
  return join_map(at(object, "/spec/selector/matchLabels"), "<none>");
}

std::string service_type(const Json& object, sys::WallTime) {
  const std::string type = text_at(object, "/spec/type");
  return type.empty() ? "ClusterIP" : type;
}
std::string service_cluster_ip(const Json& object, sys::WallTime) {
  return or_none(text_at(object, "/spec/clusterIP"));
}
std::string service_external_ip(const Json&, sys::WallTime) { return "<none>"; }
std::string service_ports(const Json& object, sys::WallTime) {
  std::string out;
  for (const Json& port : at(object, "/spec/ports")) {
    const std::string protocol = text_at(port, "/protocol");
    const std::string node_port = text_at(port, "/nodePort");
    out += (out.empty() ? "" : ",") + text_at(port, "/port") +
           (node_port.empty() || node_port == "0" ? "" : ":" + node_port) + "/" +
           (protocol.empty() ? "TCP" : protocol);
  }
  return or_none(out);
}
std::string service_selector(const Json& object, sys::WallTime) {
  return join_map(at(object, "/spec/selector"), "<none>");
}

std::string slice_ports(const Json& object, sys::WallTime) {
  return or_none(joined_field(at(object, "/ports"), "/port"));
}
std::string slice_endpoints(const Json& object, sys::WallTime) {
  constexpr size_t kShownLimit = 3;  // as kubectl
  std::string out;
  size_t count = 0;
  for (const Json& endpoint : at(object, "/endpoints")) {
    for (const Json& address : at(endpoint, "/addresses")) {
      if (++count <= kShownLimit) {
        out += (out.empty() ? "" : ",") + text_at(address, "");
      }
    }
  }
  return or_none(out) +
         (count > kShownLimit ? " + " + std::to_string(count - kShownLimit) + " more..." : "");
}
std::string slice_type(const Json& object, sys::WallTime) {
  return text_at(object, "/addressType");
}

std::string config_map_data(const Json& object, sys::WallTime) {
  return std::to_string(size_at(object, "/data") + size_at(object, "/binaryData"));
}
std::string secret_type(const Json& object, sys::WallTime) {
  const std::string type = text_at(object, "/type");
  return type.empty() ? "Opaque" : type;
}
std::string secret_data(const Json& object, sys::WallTime) {
  std::set<std::string> keys;
  for (const char* field : {"/data", "/stringData"}) {
    const Json& map = at(object, field);
    if (map.is_object()) {
      for (const auto& item : map.items()) {
        keys.insert(item.key());
      }
    }
  }
  return std::to_string(keys.size());
}

std::string namespace_status(const Json& object, sys::WallTime) {
  const std::string phase = text_at(object, "/status/phase");
  return phase.empty() ? "Active" : phase;
}

std::string ingress_class(const Json& object, sys::WallTime) {
  return or_none(text_at(object, "/spec/ingressClassName"));
}
std::string ingress_hosts(const Json& object, sys::WallTime) {
  std::string out;
  for (const Json& rule : at(object, "/spec/rules")) {
    const std::string host = text_at(rule, "/host");
    out += (out.empty() ? "" : ",") + (host.empty() ? "*" : host);
  }
  return out.empty() ? "*" : out;
}
std::string ingress_address(const Json& object, sys::WallTime) {
  return joined_field(at(object, "/status/loadBalancer/ingress"), "/ip");
}
std::string ingress_ports(const Json& object, sys::WallTime) {
  return size_at(object, "/spec/tls") > 0 ? "80, 443" : "80";
}

std::string route_hostnames(const Json& object, sys::WallTime) {
  const Json& names = at(object, "/spec/hostnames");
  return names.is_array() && !names.empty() ? names.dump() : "";
}

std::string event_last_seen(const Json& object, sys::WallTime now) {
  const std::string last = text_at(object, "/lastTimestamp");
  return age_of(last.empty() ? text_at(object, "/metadata/creationTimestamp") : last, now);
}
std::string event_type(const Json& object, sys::WallTime) { return text_at(object, "/type"); }
std::string event_reason(const Json& object, sys::WallTime) { return text_at(object, "/reason"); }
std::string event_object(const Json& object, sys::WallTime) {
  std::string kind = text_at(object, "/involvedObject/kind");
  for (char& c : kind) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  return kind + "/" + text_at(object, "/involvedObject/name");
}
std::string event_message(const Json& object, sys::WallTime) {
  std::string text = text_at(object, "/message");
  while (text.ends_with('\n')) {
    text.pop_back();
  }
  return text;
}
std::string event_source(const Json& object, sys::WallTime) {
  return text_at(object, "/source/component");
}
std::string event_first_seen(const Json& object, sys::WallTime now) {
  return age_of(text_at(object, "/firstTimestamp"), now);
}
std::string event_count(const Json& object, sys::WallTime) {
  return std::to_string(number_at(object, "/count", 1));
}

constexpr Column kName{"NAME", name_cell};
constexpr Column kAge{"AGE", age_cell};

const std::map<Kind, std::vector<Column>>& table() {
  static const std::map<Kind, std::vector<Column>> kTable = {
      {Kind::kPod,
       {kName,
        {"READY", pod_ready},
        {"STATUS", pod_status},
        {"RESTARTS", pod_restarts},
        kAge,
        {"IP", pod_ip, true},
        {"NODE", pod_node, true}}},
      {Kind::kDeployment,
       {kName,
        {"READY", deployment_ready},
        {"UP-TO-DATE", deployment_updated},
        {"AVAILABLE", deployment_available},
        kAge,
        {"CONTAINERS", deployment_containers, true},
        {"IMAGES", deployment_images, true},
        {"SELECTOR", deployment_selector, true}}},
      {Kind::kService,
       {kName,
        {"TYPE", service_type},
        {"CLUSTER-IP", service_cluster_ip},
        {"EXTERNAL-IP", service_external_ip},
        {"PORT(S)", service_ports},
        kAge,
        {"SELECTOR", service_selector, true}}},
      {Kind::kConfigMap, {kName, {"DATA", config_map_data}, kAge}},
      {Kind::kSecret, {kName, {"TYPE", secret_type}, {"DATA", secret_data}, kAge}},
      {Kind::kNamespace, {kName, {"STATUS", namespace_status}, kAge}},
      {Kind::kIngress,
       {kName,
        {"CLASS", ingress_class},
        {"HOSTS", ingress_hosts},
        {"ADDRESS", ingress_address},
        {"PORTS", ingress_ports},
        kAge}},
      {Kind::kHttpRoute, {kName, {"HOSTNAMES", route_hostnames}, kAge}},
      {Kind::kEndpointSlice,
       {kName,
        {"ADDRESSTYPE", slice_type},
        {"PORTS", slice_ports},
        {"ENDPOINTS", slice_endpoints},
        kAge}},
      {Kind::kEvent,
       {{"LAST SEEN", event_last_seen},
        {"TYPE", event_type},
        {"REASON", event_reason},
        {"OBJECT", event_object},
        {"SOURCE", event_source, true},
        {"MESSAGE", event_message},
        {"FIRST SEEN", event_first_seen, true},
        {"COUNT", event_count, true},
        {"NAME", name_cell, true}}},
  };
  return kTable;
}

}  // namespace

const std::vector<Column>& columns_of(Kind kind) { return table().at(kind); }

std::string kind_prefix(Kind kind) {
  const object::KindInfo& info = object::kind_info(kind);
  std::string out(info.name);
  for (char& c : out) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  const size_t slash = info.api_version.find('/');
  return slash == std::string_view::npos
             ? out
             : out + "." + std::string(info.api_version.substr(0, slash));
}

Row header_row(Kind kind, const TableStyle& style) {
  Row row;
  if (style.with_namespace) {
    row.emplace_back("NAMESPACE");
  }
  for (const Column& column : columns_of(kind)) {
    if (!column.wide || style.wide) {
      row.emplace_back(column.title);
    }
  }
  if (style.show_labels) {
    row.emplace_back("LABELS");
  }
  return row;
}

Row object_row(Kind kind, const Json& object, const TableStyle& style, sys::WallTime now) {
  Row row;
  if (style.with_namespace) {
    row.push_back(text_at(object, "/metadata/namespace"));
  }
  for (const Column& column : columns_of(kind)) {
    if (column.wide && !style.wide) {
      continue;
    }
    std::string cell = column.cell(object, now);
    const bool named = style.with_kind && column.title == "NAME";
    row.push_back(named ? kind_prefix(kind) + "/" + cell : std::move(cell));
  }
  if (style.show_labels) {
    row.push_back(join_map(at(object, "/metadata/labels"), "<none>"));
  }
  return row;
}

}  // namespace duet::cli
