#include <arpa/inet.h>

#include <cstdint>

#include "object/check_kinds.h"
#include "object/format.h"
#include "object/kinds.h"

namespace duet::object {
namespace {

// What the API refuses as the address of an endpoint, for it would lead back to whoever asks.
const char* wrong_kind_of(const in_addr& address) {
  const uint32_t number = ntohl(address.s_addr);
  return number == 0               ? "stands for no address"
         : number >> 24 == 127     ? "is the machine's own"
         : number >> 16 == 0xa9fe  ? "is of one link alone"
         : number >> 8 == 0xe00000 ? "is a group of one link"
                                   : nullptr;
}

const char* wrong_kind_of(const in6_addr& address) {
  return IN6_IS_ADDR_UNSPECIFIED(&address)    ? "stands for no address"
         : IN6_IS_ADDR_LOOPBACK(&address)     ? "is the machine's own"
         : IN6_IS_ADDR_LINKLOCAL(&address)    ? "is of one link alone"
         : IN6_IS_ADDR_MC_LINKLOCAL(&address) ? "is a group of one link"
                                              : nullptr;
}

template <typename Address>
void check_address(const Place& place, int family, const std::string& type) {
  Address address{};
  const std::string text = place.text();
  if (inet_pton(family, text.c_str(), &address) != 1) {
    place.error(quote(text) + " is no " + type + " address");
  } else if (const char* what = wrong_kind_of(address)) {
    place.error(quote(text) + " " + what + "; give an address of a machine or pod");
  }
}

void check_endpoint(const Place& endpoint, const std::string& type) {
  const Place addresses = endpoint["addresses"];
  if (addresses.present() && addresses.size() == 0) {
    addresses.error("needs an address");
  }
  addresses.each([&](const Place& address) {
    if (type == "IPv4") {
      check_address<in_addr>(address, AF_INET, type);
    } else if (type == "IPv6") {
      check_address<in6_addr>(address, AF_INET6, type);
    }
  });
}

}  // namespace

void check_endpoint_slice(const Place& object) {
  if (object["metadata"]["labels"][kServiceNameLabel].text().empty()) {
    object["metadata"].warning(std::string("without the label ") + kServiceNameLabel +
                               " it belongs to no service");
  }
  const std::string type = object["addressType"].text();
  object["endpoints"].each([&](const Place& one) { check_endpoint(one, type); });
  check_unique(object["ports"], "name", "the port name");
}

}  // namespace duet::object
