#include "cluster/ingress_status.h"

#include "net/ip_address.h"

namespace duet::cluster {

std::optional<Json> ingress_status_patch(const Json& ingress, const std::string& address) {
  const char* kind = net::IpAddress::parse(address) ? "ip" : "hostname";
  const Json wanted = Json::array({{{kind, address}}});
  if (member(member(member(ingress, "status"), "loadBalancer"), "ingress") == wanted) {
    return std::nullopt;
  }
  return Json{{"status", {{"loadBalancer", {{"ingress", wanted}}}}}};
}

}  // namespace duet::cluster
