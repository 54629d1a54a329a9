#include "cli/describe_endpoints.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "cli/describe_text.h"
#include "object/kinds.h"

namespace duet::cli {
namespace {

bool is_ready(const Json& pod) {
  for (const Json& condition : at(pod, "/status/conditions")) {
    if (text_at(condition, "/type") == "Ready") {
      return text_at(condition, "/status") == "True" &&
             text_at(pod, "/metadata/deletionTimestamp").empty();
    }
  }
  return false;
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// The number behind a targetPort that names a port of the pod's containers; empty: no such port.
std::string port_of(const Json& pod, const std::string& target) {
  if (is_number(target)) {
    return target;
  }
  for (const Json& container : at(pod, "/spec/containers")) {
    for (const Json& port : at(container, "/ports")) {
      if (text_at(port, "/name") == target) {
        return text_at(port, "/containerPort");
      }
    }
  }
  return "";
}

std::string with_port(const std::string& ip, const std::string& port) {
  return (ip.find(':') == std::string::npos ? ip : "[" + ip + "]") + ":" + port;
}

std::string endpoint_of(const Json& pod, const std::string& target) {
  const std::string port = port_of(pod, target);
  const std::string ip = text_at(pod, "/status/podIP");
  if (ip.empty()) {
    return text_at(pod, "/metadata/name") + " (gateway)";
  }
  if (port.empty()) {
    return "";
  }
  return with_port(ip, port);
}

// The ready endpoints of the port in `slice` that are none of `pods`.
std::vector<std::string> others_of(const Json& slice, const Json& port,
                                   const std::set<std::string>& pods) {
  std::vector<std::string> out;
  std::string number;
  for (const Json& one : at(slice, "/ports")) {
    if (text_at(one, "/name") == text_at(port, "/name")) {
      number = text_at(one, "/port");
    }
  }
  for (const Json& one : at(slice, "/endpoints")) {
    const std::string address = text_at(one, "/addresses/0");
    if (!number.empty() && !address.empty() && text_at(one, "/conditions/ready") != "false" &&
        !pods.contains(text_at(one, "/targetRef/uid"))) {
      out.push_back(with_port(address, number));
    }
  }
  return out;
}

// Who answers for the port: the ready ones of `pods`, then the others.
std::vector<std::string> endpoints_of(const Json& port, const Json& pods, const Json& slices) {
  std::vector<std::string> out;
  std::set<std::string> uids;
  const std::string target = text_at(port, "/targetPort");
  for (const Json& pod : pods) {
    uids.insert(text_at(pod, "/metadata/uid"));
    std::string one =
        is_ready(pod) ? endpoint_of(pod, target.empty() ? text_at(port, "/port") : target) : "";
    if (!one.empty()) {
      out.push_back(std::move(one));
    }
  }
  uids.erase("");
  for (const Json& slice : slices) {
    for (std::string& one : others_of(slice, port, uids)) {
      if (std::find(out.begin(), out.end(), one) == out.end()) {
        out.push_back(std::move(one));
      }
    }
  }
  return out;
}

}  // namespace

std::string selector_of(const Json& service) { return join_map(at(service, "/spec/selector"), ""); }

std::string slices_of(const Json& service) {
  return std::string(object::kServiceNameLabel) + "=" + text_at(service, "/metadata/name");
}

std::string describe_endpoints(const Json& service, const Json& pods, const Json& slices) {
  constexpr size_t kShownLimit = 16;  // endpoints of a port
  Description out;
  for (const Json& port : at(service, "/spec/ports")) {
    const std::vector<std::string> all = endpoints_of(port, pods, slices);
    std::string list;
    for (size_t i = 0; i < std::min(all.size(), kShownLimit); ++i) {
      list += (i == 0 ? "" : ",") + all[i];
    }
    if (all.size() > kShownLimit) {
      list += " + " + std::to_string(all.size() - kShownLimit) + " more...";
    }
    out.line("Endpoints " + text_at(port, "/port"), list);
  }
  return out.take();
}

}  // namespace duet::cli
