#include "pod/service_variables.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace duet::pod {
namespace {

object::Service service(const std::string& name, const std::string& address,
                        std::vector<object::ServicePort> ports) {
  object::Service out;
  out.meta.name = name;
  out.cluster_ip = address;
  out.ports = std::move(ports);
  return out;
}

TEST(ServiceVariables, AreThoseOfTheKubelet) {
  const auto services = {
      service("redis-primary", "10.0.0.11", {{.port = 6379}}),
      service("web", "fd00::7",
              {{.name = "http", .port = 80}, {.name = "dns-u", .port = 53, .protocol = "UDP"}})};
  const auto found = service_variables(services);
  EXPECT_EQ(found.left_out, 0U);
  EXPECT_EQ(found.variables, (Environment{
                                 {"REDIS_PRIMARY_SERVICE_HOST", "10.0.0.11"},
                                 {"REDIS_PRIMARY_SERVICE_PORT", "6379"},
                                 {"REDIS_PRIMARY_PORT", "tcp://10.0.0.11:6379"},
                                 {"REDIS_PRIMARY_PORT_6379_TCP", "tcp://10.0.0.11:6379"},
                                 {"REDIS_PRIMARY_PORT_6379_TCP_PROTO", "tcp"},
                                 {"REDIS_PRIMARY_PORT_6379_TCP_PORT", "6379"},
                                 {"REDIS_PRIMARY_PORT_6379_TCP_ADDR", "10.0.0.11"},
                                 {"WEB_SERVICE_HOST", "fd00::7"},
                                 {"WEB_SERVICE_PORT", "80"},
                                 {"WEB_SERVICE_PORT_HTTP", "80"},
                                 {"WEB_SERVICE_PORT_DNS_U", "53"},
                                 {"WEB_PORT", "tcp://[fd00::7]:80"},
                                 {"WEB_PORT_80_TCP", "tcp://[fd00::7]:80"},
                                 {"WEB_PORT_80_TCP_PROTO", "tcp"},
                                 {"WEB_PORT_80_TCP_PORT", "80"},
                                 {"WEB_PORT_80_TCP_ADDR", "fd00::7"},
                                 {"WEB_PORT_53_UDP", "udp://[fd00::7]:53"},
                                 {"WEB_PORT_53_UDP_PROTO", "udp"},
                                 {"WEB_PORT_53_UDP_PORT", "53"},
                                 {"WEB_PORT_53_UDP_ADDR", "fd00::7"},
                             }));
}

TEST(ServiceVariables, AServiceWithoutAnAddressHasNone) {
  const auto services = {service("headless", "None", {{.port = 80}}),
                         service("outside", "", {{.port = 80}}),
                         service("portless", "10.0.0.1", {})};
  EXPECT_TRUE(service_variables(services).variables.empty());
  EXPECT_EQ(service_variables(services).left_out, 0U);
}

TEST(ServiceVariables, AreBounded) {
  std::vector<object::Service> services;
  for (int i = 0; i < 5; ++i) {
    services.push_back(service("s" + std::to_string(i), "10.0.0.1", {{.port = 80}}));
  }
  const std::size_t whole = service_variables(services).variables.size();
  const auto some = service_variables(services, 400);
  EXPECT_GT(some.left_out, 0U);
  EXPECT_LT(some.left_out, 5U);
  EXPECT_EQ(some.variables.size() + some.left_out * whole / 5, whole);
  std::size_t bytes = 0;
  for (const auto& [name, value] : some.variables) {
    bytes += name.size() + value.size() + 2;
  }
  EXPECT_LE(bytes, 400U);
}

}  // namespace
}  // namespace duet::pod
