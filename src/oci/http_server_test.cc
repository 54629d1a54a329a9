#include "oci/http_server_test.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace duet::oci {

HttpServer::HttpServer(Handler handler) : handler_(std::move(handler)) {
  listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
  EXPECT_EQ(::listen(listener_.get(), 64), 0);
  ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

HttpServer::~HttpServer() {
  ::shutdown(listener_.get(), SHUT_RDWR);
  thread_.join();
}

std::string HttpServer::address() const { return "127.0.0.1:" + std::to_string(port_); }

std::vector<HttpServer::Request> HttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void HttpServer::serve() {
  for (;;) {
    const sys::Fd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection.valid()) {
      return;
    }
    talk(connection.get());
  }
}

void HttpServer::talk(int connection) {
  Request request;
  std::array<char, 4096> chunk;
  while (request.head.find("\r\n\r\n") == std::string::npos) {
    const ssize_t got = ::recv(connection, chunk.data(), chunk.size(), 0);
    if (got <= 0 || chunk[0] == 0x16) {
      return;  // gone, or TLS, which is not spoken here
    }
    request.head.append(chunk.data(), static_cast<size_t>(got));
  }
  const size_t start = request.head.find(' ') + 1;
  request.path = request.head.substr(start, request.head.find(' ', start) - start);
  std::transform(request.head.begin(), request.head.end(), request.head.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  const Answer answer = handler_(request);
  if (answer.stall) {
    (void)::recv(connection, chunk.data(), chunk.size(), 0);
    return;
  }
  std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " X\r\nConnection: close\r\n" +
                     "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
  for (const std::string& header : answer.headers) {
    text += header + "\r\n";
  }
  text += "\r\n" + answer.body.substr(0, answer.cut_after_bytes);
  for (size_t sent = 0; sent < text.size();) {
    const ssize_t put = ::send(connection, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (put <= 0) {
      return;
    }
    sent += static_cast<size_t>(put);
  }
}

}  // namespace duet::oci
