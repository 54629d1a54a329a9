#include "pod/service_variables.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

namespace duet::pod {
namespace {

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string variable_name(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c == '-' ? '_' : upper(c); });
  return text;
}

// "tcp://10.96.0.7:80"
std::string url_of(const std::string& protocol, const std::string& address,
                   const std::string& port) {
  const bool v6 = address.find(':') != std::string::npos;
  return protocol + "://" + (v6 ? "[" + address + "]" : address) + ":" + port;
}

std::string protocol_of(const object::ServicePort& port) {
  std::string protocol = port.protocol.empty() ? "TCP" : port.protocol;
  std::transform(protocol.begin(), protocol.end(), protocol.begin(), lower);
  return protocol;
}

void add_link(const std::string& name, const std::string& address, const object::ServicePort& port,
              Environment& out) {
  const std::string protocol = protocol_of(port);
  const std::string number = std::to_string(port.port);
  const std::string prefix = name + "_PORT_" + number + "_" + variable_name(protocol);
  out.emplace_back(prefix, url_of(protocol, address, number));
  out.emplace_back(prefix + "_PROTO", protocol);
  out.emplace_back(prefix + "_PORT", number);
  out.emplace_back(prefix + "_ADDR", address);
}

Environment variables_of(const object::Service& service) {
  Environment out;
  const std::string& address = service.cluster_ip;
  if (address.empty() || address == "None" || service.ports.empty()) {
    return out;
  }
  const std::string name = variable_name(service.meta.name);
  const object::ServicePort& first = service.ports.front();
  out.emplace_back(name + "_SERVICE_HOST", address);
  out.emplace_back(name + "_SERVICE_PORT", std::to_string(first.port));
  for (const object::ServicePort& port : service.ports) {
    if (!port.name.empty()) {
      out.emplace_back(name + "_SERVICE_PORT_" + variable_name(port.name),
                       std::to_string(port.port));
    }
  }
  out.emplace_back(name + "_PORT", url_of(protocol_of(first), address, std::to_string(first.port)));
  for (const object::ServicePort& port : service.ports) {
    add_link(name, address, port, out);
  }
  return out;
}

std::size_t size_of(const Environment& environment) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : environment) {
    bytes += name.size() + value.size() + 2;  // "=" and the zero at the end
  }
  return bytes;
}

}  // namespace

ServiceVariables service_variables(const std::vector<object::Service>& services,
                                   std::size_t size_bytes) {
  ServiceVariables out;
  std::size_t used_bytes = 0;
  for (const object::Service& service : services) {
    Environment more = variables_of(service);
    const std::size_t bytes = size_of(more);
    if (used_bytes + bytes > size_bytes) {
      ++out.left_out;
      continue;
    }
    used_bytes += bytes;
    std::move(more.begin(), more.end(), std::back_inserter(out.variables));
  }
  return out;
}

}  // namespace duet::pod
