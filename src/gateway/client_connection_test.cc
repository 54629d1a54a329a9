#include "gateway/client_connection.h"

#include <gtest/gtest.h>

#include "gateway/memory_front_for_test.h"

// What no network shows each time: a client that takes nothing while its next requests are read.
namespace duet::gateway {
namespace {

// Answers as its path says: /whole, with a body of kBodyBytes; /half, of which half comes; /early,
// like /whole, but at once and without the request's body.
class PathCall final : public Call {
 public:
  static constexpr std::size_t kBodyBytes = 60'000;

  PathCall(net::EventLoop& loop, const CallHead& head, Caller& caller)
      : loop_(loop),
        caller_(caller),
        path_(head.target),
        has_body_(head.framing != net::Framing::kNone) {}
  void begin() override {
    if (path_ == "/early" || !has_body_) {
      loop_.set_timer(timer_, 0);
    }
  }
  std::size_t write_body(std::string_view data) override {
    return path_ == "/early" ? 0 : data.size();
  }
  void finish_body(std::span<const net::Field>) override { loop_.set_timer(timer_, 0); }
  void resume_answer() override {}
  void cancel() override { loop_.cancel_timer(timer_); }

 private:
  void answer() {
    const std::string body(kBodyBytes, 'x');
    const bool half = path_ == "/half";
    caller_.on_head({.status = 200,
                     .fields = {},
                     .framing = net::Framing::kLength,
                     .content_length = body.size()});
    (void)caller_.on_data(std::string_view(body).substr(0, half ? body.size() / 2 : body.size()));
    if (half) {
      caller_.on_failure({.status = 502, .reason = "Trap", .detail = {}});
    } else {
      caller_.on_end({});
    }
    caller_.on_flush();
  }
  net::EventLoop& loop_;
  Caller& caller_;
  std::string path_;
  bool has_body_;
  net::MemberTimer<PathCall, &PathCall::answer> timer_{*this};
};

class ClientConnectionTest : public testing::Test {
 protected:
  // What a client gets that sends `text`, ends sending if `ends`, takes nothing until the gateway
  // has done what it can, and then takes all.
  std::string ask(std::string_view text, bool ends) {
    constexpr int kBufferBytes = 4 << 10;  // far less than an answer
    constexpr int kTurns = 20;
    const sys::Fd client = front_.connect(kBufferBytes);
    EXPECT_EQ(send(client.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
    if (ends) {
      shutdown(client.get(), SHUT_WR);
    }
    std::string said;
    for (int i = 0; i < kTurns; ++i) {
      front_.turn();
    }
    then_(client.get());
    for (std::string piece; said.empty() || !piece.empty(); said += piece) {
      piece = MemoryFront::receive(client.get());
      front_.turn();
      piece += MemoryFront::receive(client.get());
      if (said.empty() && piece.empty()) {
        break;
      }
    }
    return said;
  }
  // The bytes of bodies in `said`.
  static std::ptrdiff_t body_bytes(const std::string& said) {
    std::ptrdiff_t count = 0;
    for (std::size_t at = said.find("\r\n\r\n"); at != said.npos; at = said.find("\r\n\r\n", at)) {
      at += 4;
      const std::size_t end = std::min(said.find_first_not_of('x', at), said.size());
      count += static_cast<std::ptrdiff_t>(end - at);
    }
    return count;
  }

  MemoryFront front_{[](net::EventLoop& loop, const CallHead& head, Caller& caller) {
    return std::make_unique<PathCall>(loop, head, caller);
  }};
  std::function<void(int)> then_ = [](int) {};
};

constexpr auto kBody = static_cast<std::ptrdiff_t>(PathCall::kBodyBytes);
constexpr std::string_view kWhole = "GET /whole HTTP/1.1\r\nHost: a\r\n\r\n";

TEST_F(ClientConnectionTest, AnAnswerArrivesWholeBeforeOneThatBreaksOff) {
  const std::string said = ask(
      std::string(kWhole) + "GET /half HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(kWhole), false);
  EXPECT_EQ(body_bytes(said), kBody + kBody / 2);
}

TEST_F(ClientConnectionTest, AnAnswerArrivesWholeBeforeHalfARequest) {
  EXPECT_EQ(body_bytes(ask(std::string(kWhole) + "GET /ne", true)), kBody);
  EXPECT_EQ(body_bytes(ask(std::string(kWhole) + "\r\n", true)), kBody);
  EXPECT_EQ(body_bytes(ask(std::string(kWhole) +
                               "POST /next HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
                           true)),
            kBody);
}

TEST_F(ClientConnectionTest, ARequestIsReadBehindABodyThatNobodyWanted) {
  const std::string said =
      ask("POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
          "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n" +
              std::string(kWhole),
          true);
  EXPECT_EQ(body_bytes(said), 2 * kBody);
}

TEST_F(ClientConnectionTest, AnAnswerArrivesWholeWhenTheWorkerStops) {
  then_ = [this](int) {
    front_.front().draining = true;
    for (const auto& connection : front_.front().connections) {
      connection->drain();
    }
  };
  EXPECT_EQ(body_bytes(ask(kWhole, false)), kBody);
}

}  // namespace
}  // namespace duet::gateway
