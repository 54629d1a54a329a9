#include "net/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/dns_server_for_test.h"

namespace duet::net {
namespace {

using testing::UnorderedElementsAre;

// Waits for one answer; runs the loop until it is there.
class Asker final : public Resolver::Waiter {
 public:
  Asker(EventLoop& loop, Resolver& resolver) : loop_(loop), resolver_(resolver) {}

  void start(const std::string& name) { answer_ = resolver_.resolve(name, *this); }
  bool answered() const { return answer_.has_value(); }
  const Resolver::Answer& wait() {
    while (!answer_) {
      EXPECT_TRUE(loop_.run_once(-1).ok());
    }
    return *answer_;
  }
  const Resolver::Answer& ask(const std::string& name) {
    start(name);
    return wait();
  }
  void on_resolved(const Resolver::Answer& answer) override { answer_ = answer; }

 private:
  EventLoop& loop_;
  Resolver& resolver_;
  std::optional<Resolver::Answer> answer_;
};

class ResolverTest : public testing::Test {
 protected:
  void start(ResolverOptions options = {}) {
    options.servers = server_.address();
    loop_ = std::move(*EventLoop::create(clock_));
    auto resolver = Resolver::create(*loop_, options);
    ASSERT_TRUE(resolver.ok()) << resolver.error().message();
    resolver_ = std::move(*resolver);
  }
  Asker asker() { return {*loop_, *resolver_}; }

  DnsServer server_{[](const std::string& name) -> DnsServer::Records {
    if (name == "both.test") {
      return {.addresses = {"192.0.2.1", "2001:db8::1", "192.0.2.2"}};
    }
    if (name == "brief.test") {
      return {.addresses = {"192.0.2.3"}, .ttl_s = 0};
    }
    if (name == "silent.test") {
      return {.silent = true};
    }
    return {.code = 3};
  }};
  sys::SystemClock clock_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Resolver> resolver_;
};

TEST_F(ResolverTest, GivesTheAddressesOfBothFamilies) {
  start();
  Asker asker = this->asker();
  const auto& answer = asker.ask("both.test");
  ASSERT_TRUE(answer.ok()) << answer.error().message();
  EXPECT_THAT(*answer, UnorderedElementsAre("192.0.2.1", "192.0.2.2", "2001:db8::1"));
}

TEST_F(ResolverTest, KeepsAnswersForTheirTime) {
  start();
  Asker first = asker();
  first.ask("both.test");
  const int asked = server_.questions();
  Asker second = asker();
  second.start("both.test");
  EXPECT_TRUE(second.answered());
  EXPECT_EQ(server_.questions(), asked);
  Asker brief = asker();
  brief.ask("brief.test");
  Asker again = asker();
  again.start("brief.test");
  EXPECT_FALSE(again.answered());
  EXPECT_TRUE(again.wait().ok());
}

TEST_F(ResolverTest, EqualQuestionsAreAskedOnce) {
  start();
  Asker first = asker();
  Asker second = asker();
  first.start("both.test");
  second.start("both.test");
  EXPECT_TRUE(first.wait().ok());
  EXPECT_TRUE(second.wait().ok());
  EXPECT_EQ(server_.questions(), 2);  // A and AAAA
}

TEST_F(ResolverTest, SaysWhatIsNotThere) {
  start({.timeout_ms = 50, .tries = 1});
  Asker missing = asker();
  EXPECT_EQ(missing.ask("missing.test").error().code(), ErrorCode::kNotFound);
  Asker silent = asker();
  EXPECT_EQ(silent.ask("silent.test").error().code(), ErrorCode::kTimeout);
}

TEST_F(ResolverTest, WhoForgetsIsNotTold) {
  start();
  Asker gone = asker();
  Asker stays = asker();
  gone.start("both.test");
  stays.start("both.test");
  resolver_->forget(gone);
  EXPECT_TRUE(stays.wait().ok());
  EXPECT_FALSE(gone.answered());
}

TEST_F(ResolverTest, NamesAreBounded) {
  start({.name_limit = 2});
  Asker one = asker();
  Asker two = asker();
  Asker three = asker();
  one.start("both.test");
  two.start("brief.test");
  three.start("missing.test");
  ASSERT_TRUE(three.answered());
  EXPECT_EQ(three.wait().error().code(), ErrorCode::kExhausted);
  EXPECT_TRUE(one.wait().ok());
  EXPECT_TRUE(two.wait().ok());
  EXPECT_EQ(three.ask("missing.test").error().code(), ErrorCode::kNotFound);
}

TEST_F(ResolverTest, EndsWhileItIsAsked) {
  start();
  Asker asker = this->asker();
  asker.start("silent.test");
  resolver_.reset();
  EXPECT_FALSE(asker.answered());
}

TEST(Resolver, RefusesServersThatAreNone) {
  const sys::SystemClock clock;
  const auto loop = std::move(*EventLoop::create(clock));
  EXPECT_FALSE(Resolver::create(*loop, {.servers = "not an address"}).ok());
}

}  // namespace
}  // namespace duet::net
