#include "cli/describe_endpoints.h"

#include <vector>

#include "cli/describe_text.h"

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

std::string endpoint_of(const Json& pod, const std::string& target) {
  const std::string port = port_of(pod, target);
  const std::string ip = text_at(pod, "/status/podIP");
  if (ip.empty()) {
    return text_at(pod, "/metadata/name") + " (gateway)";
  }
  if (port.empty()) {
    return "";
  }
  return (ip.find(':') == std::string::npos ? ip : "[" + ip + "]") + ":" + port;
}

}  // namespace

std::string selector_of(const Json& service) { return join_map(at(service, "/spec/selector"), ""); }

std::string describe_endpoints(const Json& service, const Json& pods) {
  constexpr size_t kShownLimit = 16;  // endpoints of a port
  Description out;
  for (const Json& port : at(service, "/spec/ports")) {
    const std::string number = text_at(port, "/port");
    const std::string target = text_at(port, "/targetPort");
    std::string list;
    size_t count = 0;
    for (const Json& pod : pods) {
      const std::string one =
          is_ready(pod) ? endpoint_of(pod, target.empty() ? number : target) : std::string();
      if (!one.empty() && ++count <= kShownLimit) {
        list += (list.empty() ? "" : ",") + one;
      }
    }
    if (count > kShownLimit) {
      list += " + " + std::to_string(count - kShownLimit) + " more...";
    }
    out.line("Endpoints " + number, list);
  }
  return out.take();
}

}  // namespace duet::cli
