#pragma once

#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/require.h"
#include "gateway/exchange.h"
#include "net/event_loop.h"
#include "net/http_body.h"

namespace duet::gateway {

// A request as a backend heard it.
struct Heard {
  std::string method;
  std::string head;  // method, target, authority and fields
  std::string body;
  bool whole = false;  // and answered
};

// Answers with the request's body, one round of the loop after it has come, and notes what it
// heard.
class EchoCall final : public Call {
 public:
  EchoCall(net::EventLoop& loop, const CallHead& head, Caller& caller, std::list<Heard>& heard)
      : loop_(loop), caller_(caller), heard_(heard.emplace_back()) {
    heard_.whole = head.framing == net::Framing::kNone;
    heard_.method = head.method;
    heard_.head.append(head.method).append(" ").append(head.target).append(" ");
    heard_.head.append(head.authority).append("\n");
    for (const net::Field& field : head.fields) {
      heard_.head.append(field.name).append(": ").append(field.value).append("\n");
    }
  }

  void begin() override {
    if (heard_.whole) {
      loop_.set_timer(timer_, 0);
    }
  }
  std::size_t write_body(std::string_view data) override {
    heard_.body += data;
    return data.size();
  }
  void finish_body(std::span<const net::Field> trailers) override {
    for (const net::Field& field : trailers) {
      require(net::is_token(field.name) && net::is_field_value(field.value));
      require(net::may_trail(field));
    }
    heard_.whole = true;
    loop_.set_timer(timer_, 0);
  }
  void resume_answer() override { loop_.set_timer(timer_, 0); }
  void cancel() override { loop_.cancel_timer(timer_); }

 private:
  void answer() {
    if (!begun_) {
      begun_ = true;
      caller_.on_head({.status = 200, .fields = {}, .framing = net::Framing::kChunked});
      if (!caller_.on_data(heard_.body)) {
        caller_.on_flush();
        return;
      }
    }
    caller_.on_end({});
    caller_.on_flush();
  }
  net::EventLoop& loop_;
  Caller& caller_;
  Heard& heard_;
  bool begun_ = false;
  net::MemberTimer<EchoCall, &EchoCall::answer> timer_{*this};
};

}  // namespace duet::gateway
