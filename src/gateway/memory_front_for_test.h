#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/require.h"
#include "gateway/active_table.h"
#include "gateway/client_connection.h"
#include "gateway/upstream_request.h"
#include "net/event_loop.h"
#include "net/http_request_parser.h"
#include "sys/clock.h"

namespace duet::gateway {

// The front of a gateway between socket pairs, with a clock that stands still and one backend for
// every request; for unit tests and fuzz targets. What the backend gets is held to what a server
// must be given. Not thread-safe.
class MemoryFront {
 public:
  using MakeCall = std::function<std::unique_ptr<Call>(net::EventLoop&, const CallHead&, Caller&)>;
  explicit MemoryFront(MakeCall make) : backend_(std::make_shared<One>(*loop_, std::move(make))) {
    RouteTable table;
    table.listeners = {{"web", "web"}};
    table.routes = {{.name = "all", .rules = {{.backends = {{.backend = "one"}}}}}};
    table.backends = {{"one", StaticBackend{}}};
    front_.table = *ActiveTable::build(std::move(table), [this](const BackendConfig&) {
      return Result<std::shared_ptr<Backend>>(std::shared_ptr<Backend>(backend_));
    });
  }
  ~MemoryFront() {
    front_.connections.clear();
    front_.graveyard.run_deferred();
    front_.table.reset();
  }
  MemoryFront(const MemoryFront&) = delete;
  MemoryFront& operator=(const MemoryFront&) = delete;

  Front& front() { return front_; }

  // A client's end of a connection, in which the gateway can write about `buffer_bytes` that are
  // not read; 0: as many as sockets usually take.
  sys::Fd connect(int buffer_bytes = 0) {
    int ends[2] = {};
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    if (buffer_bytes > 0) {
      setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof(buffer_bytes));
    }
    front_.connections.push_back(
        std::make_unique<ClientConnection>(front_, net::Stream(sys::Fd(ends[0]), front_.buffers),
                                           Client{.listener = "web", .address = "192.0.2.1"}));
    front_.connections.back()->open(std::prev(front_.connections.end()));
    return sys::Fd(ends[1]);
  }
  // A round of the loop.
  void turn() { require(loop_->run_once(0).ok()); }
  void pass(std::chrono::seconds time) { clock_.advance(time); }

  // What the gateway said that was not read yet.
  static std::string receive(int client) {
    std::string said;
    char bytes[16 << 10];
    for (ssize_t got = 0; (got = recv(client, bytes, sizeof(bytes), 0)) > 0;) {
      said.append(bytes, static_cast<std::size_t>(got));
    }
    return said;
  }

  // All that a client is told that sends `input` in pieces of `piece` bytes, and then nothing more.
  // When it is gone nothing may be left of it.
  std::string talk(std::string_view input, std::size_t piece) {
    const sys::Fd client = connect();
    std::string said;
    while (!input.empty()) {
      const ssize_t sent =
          send(client.get(), input.data(), std::min(piece, input.size()), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) {
        break;
      }
      input.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
      turn();
      said += receive(client.get());
    }
    shutdown(client.get(), SHUT_WR);
    // The last of them are longer than all timeouts together.
    constexpr int kTurnsLimit = 100;
    for (int turns = 0; !front_.connections.empty(); ++turns) {
      require(turns < kTurnsLimit);
      turn();
      said += receive(client.get());
      pass(std::chrono::seconds(turns < kTurnsLimit / 2 ? 0 : 10));
    }
    said += receive(client.get());
    require(front_.requests_in_flight == 0);
    return said;
  }

 private:
  class One final : public Backend {
   public:
    One(net::EventLoop& loop, MakeCall make) : loop_(loop), make_(std::move(make)) {}
    std::string_view name() const override { return "one"; }
    std::unique_ptr<Call> start(const CallHead& head, Caller& caller) override {
      check(head);
      return make_(loop_, head, caller);
    }

   private:
    net::EventLoop& loop_;
    MakeCall make_;
  };

  // A server of HTTP/1.1 reads the request that the gateway has read, whatever version brought it.
  static void check(CallHead head) {
    for (const net::Field& field : head.fields) {
      require(!net::is_hop_by_hop(field.id) && field.id != net::FieldId::kContentLength &&
              field.id != net::FieldId::kHost && field.id == net::field_id(field.name));
    }
    head.authority = head.authority.empty() ? "none" : head.authority;  // as HTTP/1.0 may have it
    std::string text;
    write_request_head(head, text);
    net::RequestParser parser(net::HttpLimits{.head_bytes = 64 << 10, .field_count = 120});
    net::RequestHead read;
    const net::ParseResult result = parser.parse(text, read);
    require(result.state == net::ParseResult::State::kDone && result.consumed == text.size());
    require(read.method == head.method && read.authority == head.authority);
    require(std::string(read.path).append(read.query) == head.target);
    const bool none = head.framing == net::Framing::kLength && head.content_length == 0;
    require(read.framing == (none ? net::Framing::kNone : head.framing));
    require(read.content_length == head.content_length);
    require(read.fields.size() > head.fields.size());
    for (std::size_t i = 0; i < head.fields.size(); ++i) {
      require(read.fields[i + 1].name == head.fields[i].name);  // Host is the first one
      require(read.fields[i + 1].value == head.fields[i].value);
    }
  }

  sys::ManualClock clock_{sys::WallTime(std::chrono::hours(500'000))};
  std::unique_ptr<net::EventLoop> loop_ = std::move(*net::EventLoop::create(clock_));
  Front front_{*loop_, ClientLimits{}, 1};
  std::shared_ptr<One> backend_;
};

}  // namespace duet::gateway
