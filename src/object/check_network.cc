#include <arpa/inet.h>

#include <unordered_map>

#include "object/check_kinds.h"
#include "object/format.h"

namespace duet::object {
namespace {

bool is_ip(const std::string& text) {
  in6_addr address{};
  return inet_pton(AF_INET, text.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

// What the gateway does not do for an appProtocol, or does only for Kubernetes' own name of it.
// Names of other protocols are nobody's business here.
void check_app_protocol(const Place& protocol) {
  const std::string name = protocol.text();
  if (name == "https" || name == "kubernetes.io/wss") {
    protocol.warning(quote(name) +
                     " is not supported by the gateway, which goes to pods without TLS");
  } else if (name == "h2c" || name == "http2" || name == "grpc") {
    protocol.warning(quote(name) +
                     " has no meaning here; the gateway speaks HTTP/2 to pods for "
                     "\"kubernetes.io/h2c\"");
  }
}

void check_service_ports(const Place& ports) {
  check_unique(ports, "name", "the port name");
  std::unordered_map<std::string, std::string> seen;
  ports.each([&](const Place& port) {
    if (ports.size() > 1 && port["name"].text().empty()) {
      port.error("needs a name, because the service has several ports");
    }
    check_app_protocol(port["appProtocol"]);
    if (!port["port"].present()) {
      return;
    }
    const std::string key =
        std::to_string(port["port"].integer()) + "/" + port["protocol"].text("TCP");
    const auto [earlier, fresh] = seen.emplace(key, port.path());
    if (!fresh) {
      port["port"].error("port " + key + " is that of " + earlier->second + " already");
    }
  });
}

void check_ingress_backend(const Place& backend) {
  const Place service = backend["service"];
  if (!backend.present()) {
    return;
  }
  if (!service.present() && !backend["resource"].present()) {
    backend.error("needs a service");
  }
  const Place port = service["port"];
  if (port.present() && port["name"].text().empty() == (port["number"].integer() == 0)) {
    port.error("needs either a name or a number");
  }
}

// Paths that normalize to another path would never match.
void check_ingress_path(const Place& item) {
  check_ingress_backend(item["backend"]);
  const Place path = item["path"];
  const std::string type = item["pathType"].text();
  const std::string text = path.text();
  if (text.empty()) {
    if (type == "Exact" || type == "Prefix") {
      path.error("is required for the pathType " + quote(type));
    }
    return;
  }
  if (text[0] != '/') {
    path.error(quote(text) + " must be an absolute path");
    return;
  }
  if (type != "Exact" && type != "Prefix") {
    return;
  }
  for (const char* bad : {"//", "/./", "/../", "%2f", "%2F"}) {
    if (text.find(bad) != std::string::npos) {
      path.error(quote(text) + " must not contain " + quote(bad));
    }
  }
}

}  // namespace

void check_service(const Place& object) {
  const Place spec = object["spec"];
  const Place ports = spec["ports"];
  const Place ip = spec["clusterIP"];
  if (spec.present() && ports.size() == 0 && ip.text() != "None") {
    ports.error("a service needs at least one port");
  }
  check_service_ports(ports);
  if (!ip.text().empty() && ip.text() != "None" && !is_ip(ip.text())) {
    ip.error(quote(ip.text()) + " is neither an IP address nor \"None\"");
  }
}

void check_ingress(const Place& object) {
  const Place spec = object["spec"];
  if (spec.present() && spec["rules"].size() == 0 && !spec["defaultBackend"].present()) {
    spec.error("needs rules or a defaultBackend");
  }
  check_ingress_backend(spec["defaultBackend"]);
  spec["rules"].each([](const Place& rule) {
    const Place paths = rule["http"]["paths"];
    if (rule["http"].present() && paths.present() && paths.size() == 0) {
      paths.error("needs at least one path");
    }
    paths.each(check_ingress_path);
  });
}

}  // namespace duet::object
