#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "cluster/access.h"
#include "net/tls_server_for_test.h"

namespace duet::cluster {

// A server over TLS on loopback that answers each request as a test says, byte for byte: for what a
// real API server does not do on demand. tests/cluster_client_test.py has a real one.
class ApiServerForTest {
 public:
  struct Request {
    std::string line;  // "GET /api/v1/pods?limit=250 HTTP/1.1"
    std::string head;  // with the line
    std::string body;
  };
  using Connection = net::TlsServerForTest::Connection;
  // Answers one request; false: the connection ends.
  using Answer = std::function<bool(const Request&, Connection&)>;

  explicit ApiServerForTest(Answer answer)
      : authority_("cluster"),
        answer_(std::move(answer)),
        server_(authority_.issue("IP:127.0.0.1"), [this](Connection& one) { serve(one); }) {}

  Access access() const {
    Access access;
    access.endpoint = *parse_endpoint("https://127.0.0.1:" + std::to_string(server_.port()));
    access.endpoint.ca_pem = authority_.pem();
    return access;
  }
  int connections() const { return server_.connections(); }

  // What was asked so far, first lines.
  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

  // An HTTP answer with a body that has a length.
  static std::string with_body(int status, const std::string& body,
                               const std::string& fields = "") {
    return "HTTP/1.1 " + std::to_string(status) + " Any\r\nContent-Type: application/json\r\n" +
           fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  // The head of a watch, and one piece of it.
  static std::string watch_head() {
    return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: "
           "chunked\r\n\r\n";
  }
  static std::string chunk(const std::string& data) {
    char size[20];
    std::snprintf(size, sizeof(size), "%zx\r\n", data.size());
    return size + data + "\r\n";
  }
  static std::string last_chunk() { return "0\r\n\r\n"; }

 private:
  void serve(Connection& connection) {
    if (!connection.shake_hands()) {
      return;
    }
    for (;;) {
      Request request{.head = connection.read_until("\r\n\r\n")};
      if (!request.head.ends_with("\r\n\r\n")) {
        return;
      }
      request.line = request.head.substr(0, request.head.find("\r\n"));
      const std::string length = "Content-Length: ";
      if (const auto at = request.head.find(length); at != std::string::npos) {
        const std::size_t size = std::stoul(request.head.substr(at + length.size()));
        char byte = 0;
        while (request.body.size() < size && SSL_read(connection.ssl(), &byte, 1) == 1) {
          request.body += byte;
        }
      }
      {
        const std::lock_guard lock(mutex_);
        lines_.push_back(request.line);
      }
      if (!answer_(request, connection)) {
        return;
      }
    }
  }

  net::AuthorityForTest authority_;
  Answer answer_;
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
  net::TlsServerForTest server_;
};

}  // namespace duet::cluster
