#pragma once

#include <string>
#include <vector>

#include "gateway/gateway_fixture_test.h"
#include "net/socket.h"

namespace duet::gateway {

// A gateway with a second listener, "secure", that speaks TLS.
class TlsGatewayTest : public GatewayTest {
 protected:
  void SetUp() override;
  // A table in which everything goes to `backend`, and both listeners are open.
  static RouteTable table_to(BackendConfig backend);
  static RouteTable table_to(const TestServer& server);
  void serve(const RouteTable& table);
  void serve(BackendConfig backend, std::vector<Certificate> certificates = {});
  void serve(const TestServer& server, std::vector<Certificate> certificates = {});
  // What curl prints for https://<host><path>, or how it failed.
  std::string curl(const std::string& host, std::vector<std::string> words,
                   const std::string& path = "/") const;
  // What a program prints, standard output and error together.
  static std::string run(const std::vector<std::string>& argv);

  int tls_port_ = 0;
};

}  // namespace duet::gateway
