#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "sys/fd.h"

namespace duet::oci {

// A registry that misbehaves as a test tells it: plain HTTP/1.1 on a loopback port, one request a
// connection, on its own thread.
class HttpServer {
 public:
  struct Request {
    std::string path;  // with its query
    std::string head;  // all of the request's head, lower case
  };
  struct Answer {
    int status = 200;
    std::vector<std::string> headers;
    std::string body;
    size_t cut_after_bytes = std::string::npos;  // closes in the middle of the body
    bool stall = false;                          // says nothing until the peer gives up
  };
  using Handler = std::function<Answer(const Request&)>;

  explicit HttpServer(Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string address() const;  // 127.0.0.1:port
  std::vector<Request> requests() const;

 private:
  void serve();
  void talk(int connection);
  Handler handler_;
  sys::Fd listener_;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::thread thread_;
};

}  // namespace duet::oci
