#include "gateway/gateway_tls_fixture_test.h"

#include "sys/run_command.h"

namespace duet::gateway {

void TlsGatewayTest::SetUp() {
  GatewayTest::SetUp();
  const sys::Fd listener = std::move(*listen_tcp("127.0.0.1:0"));
  const std::string address = net::format_address(*net::local_address(listener.get()));
  tls_port_ = std::stoi(address.substr(address.rfind(':') + 1));
  ASSERT_TRUE(control_->add_listener("secure", listener.get()).ok());
}

RouteTable TlsGatewayTest::table_to(BackendConfig backend) {
  RouteTable table;
  table.listeners = {{"web", "127.0.0.1"}, {"secure", "127.0.0.1", true}};
  table.routes = {{.name = "all", .rules = {{.backends = {{.backend = backend.name}}}}}};
  table.backends = {std::move(backend)};
  return table;
}

RouteTable TlsGatewayTest::table_to(const TestServer& server) {
  return table_to({"pods", ProxyBackend{.endpoints = {{"127.0.0.1", server.port()}}}});
}

void TlsGatewayTest::serve(const RouteTable& table) {
  const Status set = control_->set_table(table);
  ASSERT_TRUE(set.ok()) << set.error().message();
}

void TlsGatewayTest::serve(BackendConfig backend, std::vector<Certificate> certificates) {
  RouteTable table = table_to(std::move(backend));
  table.certificates = std::move(certificates);
  serve(table);
}

void TlsGatewayTest::serve(const TestServer& server, std::vector<Certificate> certificates) {
  RouteTable table = table_to(server);
  table.certificates = std::move(certificates);
  serve(table);
}

std::string TlsGatewayTest::curl(const std::string& host, std::vector<std::string> words,
                                 const std::string& path) const {
  const std::string authority = host + ":" + std::to_string(tls_port_);
  std::vector<std::string> argv = {"curl", "-sS",       "--noproxy",
                                   "*",    "--resolve", authority + ":127.0.0.1"};
  argv.insert(argv.end(), words.begin(), words.end());
  argv.push_back("https://" + authority + path);
  auto output = sys::run({.argv = argv}, "", kTestTimeoutMs, 64 << 20);
  EXPECT_TRUE(output.ok());
  return output->status.ok() ? output->out : "failed: " + output->err;
}

std::string TlsGatewayTest::run(const std::vector<std::string>& argv) {
  auto output = sys::run({.argv = argv}, "", 4 * kTestTimeoutMs, 64 << 20);
  EXPECT_TRUE(output.ok()) << argv.front() << ": " << output.error().message();
  return output.ok() ? output->out + output->err : std::string();
}

}  // namespace duet::gateway
