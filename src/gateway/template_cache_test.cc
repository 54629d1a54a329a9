#include "gateway/template_cache.h"

#include <gtest/gtest.h>

#include <array>
#include <fstream>

#include "gateway/control.h"
#include "gateway/gateway_fixture_test.h"

namespace duet::gateway {
namespace {

class TemplateCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    auto code = compiled_guest("environment_handler");
    ASSERT_TRUE(code.ok()) << code.error().message();
    cache_.add_code("code", std::move(*make_memfd(*code)));
  }

  std::shared_ptr<engine::Handler> get(const std::string& color) {
    auto found = cache_.get({.code = "code", .env = {{"COLOR", color}}});
    EXPECT_TRUE(found.ok()) << found.error().message();
    return found.ok() ? *found : nullptr;
  }

  // How often this process has mapped the code.
  static int mappings() {
    std::ifstream maps("/proc/self/maps");
    int count = 0;
    for (std::string line; std::getline(maps, line);) {
      count += line.find("memfd:") != std::string::npos && line.find(" r-xp ") != std::string::npos;
    }
    return count;
  }

  sys::SystemClock clock_;
  std::unique_ptr<net::EventLoop> loop_ = std::move(*net::EventLoop::create(clock_));
  std::unique_ptr<SandboxEngine> engine_ =
      std::move(*SandboxEngine::create(*loop_, {.sandbox_limit = 4}));
  TemplateCache cache_{*engine_};
};

TEST_F(TemplateCacheTest, TheSameHandlerIsOneTemplate) {
  const auto first = get("blue");
  EXPECT_EQ(get("blue"), first);
}

TEST_F(TemplateCacheTest, HandlersOfTheSameCodeShareIt) {
  const int before = mappings();
  const auto blue = get("blue");
  const auto red = get("red");
  EXPECT_NE(blue, red);
  EXPECT_EQ(mappings() - before, 1);
}

TEST_F(TemplateCacheTest, CodeIsSharedWithWhoeverIsLeft) {
  for (const std::size_t gone : {0, 1}) {
    std::array made{get("blue"), get("red")};
    made[gone].reset();
    const int before = mappings();
    const auto green = get("green");
    EXPECT_EQ(mappings(), before) << "without " << gone;
  }
}

TEST_F(TemplateCacheTest, CodeThatNobodyUsesIsUnmapped) {
  const int before = mappings();
  get("blue");
  EXPECT_EQ(mappings(), before);
}

TEST_F(TemplateCacheTest, CodeThatWasNotSentIsAnError) {
  const auto found = cache_.get({.code = "other"});
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace duet::gateway
