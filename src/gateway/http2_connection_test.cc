#include "gateway/http2_connection.h"

#include <gtest/gtest.h>

#include <vector>

#include "gateway/gateway_frames_test.h"
#include "gateway/memory_front_for_test.h"

// What no network shows each time: when bytes are sent, and what is timed meanwhile.
namespace duet::gateway {
namespace {

using std::chrono::seconds;

// Answers when the test says so.
class ToldCall final : public Call {
 public:
  ToldCall(Caller& caller, std::vector<ToldCall*>& calls) : caller_(caller), calls_(calls) {
    calls_.push_back(this);
  }
  ~ToldCall() override { std::erase(calls_, this); }
  void begin() override {}
  std::size_t write_body(std::string_view data) override { return data.size(); }
  void finish_body(std::span<const net::Field>) override {}
  void resume_answer() override {}
  void cancel() override { std::erase(calls_, this); }

  void answer(std::string_view body) {
    caller_.on_head({.status = 200,
                     .fields = {},
                     .framing = net::Framing::kLength,
                     .content_length = body.size()});
    (void)caller_.on_data(body);
    caller_.on_end({});
    caller_.on_flush();
  }

 private:
  Caller& caller_;
  std::vector<ToldCall*>& calls_;
};

class Http2ConnectionTest : public testing::Test {
 protected:
  // A client that has said `text` behind its preface, and was heard.
  sys::Fd client(const std::string& text, int buffer_bytes = 0) {
    sys::Fd socket = front_.connect(buffer_bytes);
    say(socket, std::string(kPreface) + frame(kSettings, 0, 0, "") + text);
    MemoryFront::receive(socket.get());
    return socket;
  }
  void say(const sys::Fd& socket, const std::string& text) {
    EXPECT_EQ(send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
    turns();
  }
  void turns() {
    constexpr int kTurns = 5;
    for (int i = 0; i < kTurns; ++i) {
      front_.turn();
    }
  }
  static std::string get(std::uint32_t stream) {
    return frame(kHeaders, kEndStream | kEndHeaders, stream, kGet);
  }
  // Frames of `type` in what the gateway said.
  static int count(const std::string& said, char type) {
    constexpr std::size_t kHeadBytes = 9;
    int found = 0;
    for (std::size_t at = 0; at + kHeadBytes <= said.size();) {
      const auto byte = [&](std::size_t i) {
        return std::size_t{static_cast<unsigned char>(said[at + i])};
      };
      found += said[at + 3] == type ? 1 : 0;
      at += kHeadBytes + (byte(0) << 16 | byte(1) << 8 | byte(2));
    }
    return found;
  }
  bool is_open() { return !front_.front().connections.empty(); }

  std::vector<ToldCall*> calls_;
  MemoryFront front_{[this](net::EventLoop&, const CallHead&, Caller& caller) {
    return std::make_unique<ToldCall>(caller, calls_);
  }};
};

TEST_F(Http2ConnectionTest, SendsTheAnswersOfARoundTogether) {
  const sys::Fd one = client(get(1) + get(3));
  const sys::Fd two = client(get(1));
  ASSERT_EQ(calls_.size(), 3U);
  for (ToldCall* call : std::vector(calls_)) {
    call->answer("hello");
    EXPECT_EQ(MemoryFront::receive(one.get()), "");
    EXPECT_EQ(MemoryFront::receive(two.get()), "");
  }
  front_.turn();
  EXPECT_EQ(count(MemoryFront::receive(one.get()), kData), 2);
  EXPECT_EQ(count(MemoryFront::receive(two.get()), kData), 1);
}

TEST_F(Http2ConnectionTest, SendsMuchAtOnce) {
  const sys::Fd socket = client(get(1) + get(3));
  const std::string body(Http2Connection::kOutBytes - 100, 'x');  // its window has room for it
  calls_[0]->answer(body);
  EXPECT_EQ(MemoryFront::receive(socket.get()), "");
  calls_[0]->answer(body);
  EXPECT_GE(MemoryFront::receive(socket.get()).size(), Http2Connection::kOutBytes);
}

TEST_F(Http2ConnectionTest, TimesAnIdleClientFromItsLastAnswer) {
  const sys::Fd socket = client(get(1));
  calls_[0]->answer("hello");
  turns();
  front_.pass(seconds(74));
  turns();
  EXPECT_EQ(count(MemoryFront::receive(socket.get()), kGoaway), 0);
  front_.pass(seconds(2));
  turns();
  EXPECT_EQ(count(MemoryFront::receive(socket.get()), kGoaway), 1);
}

TEST_F(Http2ConnectionTest, EndsAConnectionWhoseClientTakesNothing) {
  const sys::Fd socket = client(get(1), 4 << 10);
  calls_[0]->answer(std::string(60'000, 'x'));
  turns();
  front_.pass(seconds(29));
  turns();
  EXPECT_TRUE(is_open());
  front_.pass(seconds(2));
  turns();
  EXPECT_FALSE(is_open());
}

TEST_F(Http2ConnectionTest, AnswersAClientThatHasEndedSending) {
  const sys::Fd socket = client(get(1) + get(3));
  shutdown(socket.get(), SHUT_WR);
  turns();
  ASSERT_EQ(calls_.size(), 2U);
  calls_[0]->answer("hello");
  turns();
  EXPECT_TRUE(is_open());
  calls_[0]->answer("hello");
  turns();
  EXPECT_EQ(count(MemoryFront::receive(socket.get()), kData), 2);
  EXPECT_FALSE(is_open());
}

TEST_F(Http2ConnectionTest, DropsARequestWhoseClientEndsInItsMiddle) {
  const sys::Fd socket =
      client(frame(kHeaders, kEndHeaders, 1, kGet) + get(3) + frame(kHeaders, 0, 5, kGet));
  ASSERT_EQ(calls_.size(), 2U);
  shutdown(socket.get(), SHUT_WR);
  turns();
  EXPECT_EQ(count(MemoryFront::receive(socket.get()), kReset), 2);
  ASSERT_EQ(calls_.size(), 1U);
  calls_[0]->answer("hello");
  turns();
  EXPECT_EQ(count(MemoryFront::receive(socket.get()), kData), 1);
  EXPECT_FALSE(is_open());
}

TEST_F(Http2ConnectionTest, DropsTheRequestsOfAClientThatIsGone) {
  sys::Fd socket = client(get(1));
  ASSERT_EQ(calls_.size(), 1U);
  socket.reset();
  turns();
  EXPECT_TRUE(calls_.empty());
  EXPECT_FALSE(is_open());
}

}  // namespace
}  // namespace duet::gateway
