#include "wasm/code_cache.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "wasm/node_key.h"
#include "wasm/wasm_fixture.h"

namespace duet::wasm {
namespace {

using testing::HasSubstr;

using CodeCacheTest = WasmFixture;

TEST_F(CodeCacheTest, CompilesOnceAndFindsAgain) {
  const std::string module = from_text(kEmptyProgram);
  const auto first = ensure(module);
  ASSERT_TRUE(first.ok()) << first.error().message();
  EXPECT_TRUE(first->compiled_now);
  EXPECT_EQ(first->kind, engine::Kind::kModuleProgram);
  open_cache();  // as after a restart
  const auto second = ensure(module);
  ASSERT_TRUE(second.ok());
  EXPECT_FALSE(second->compiled_now);
  EXPECT_EQ(second->size_bytes, first->size_bytes);
  EXPECT_EQ(*cache_->size_bytes(), first->size_bytes);
  EXPECT_EQ(sys::list_directory(base_ + "/code")->size(), 2U) << "the code and its seal";
  EXPECT_TRUE(reports().empty());
}

// A program's code has none of a handler's checks, so neither may stand in for the other.
TEST_F(CodeCacheTest, AModuleHasCodeForEachUse) {
  using engine::Kind;
  using engine::Use;
  const std::string module = from_text(kEmptyProgram);
  const std::string digest = *file_digest(module_file(module).get());
  const auto handler = ensure(module, Use::kWagi);
  ASSERT_TRUE(handler.ok()) << handler.error().message();
  EXPECT_EQ(handler->kind, Kind::kModuleHandler);
  EXPECT_EQ(cache_->find(digest).error().code(), ErrorCode::kNotFound);
  const auto program = ensure(module);
  ASSERT_TRUE(program.ok()) << program.error().message();
  EXPECT_TRUE(program->compiled_now);
  EXPECT_EQ(program->kind, Kind::kModuleProgram);
  for (const Use use : {Use::kOwn, Use::kWagi}) {
    const auto again = ensure(module, use);
    ASSERT_TRUE(again.ok());
    EXPECT_FALSE(again->compiled_now);
    EXPECT_EQ(again->kind, use == Use::kWagi ? Kind::kModuleHandler : Kind::kModuleProgram);
  }
  EXPECT_EQ(sys::list_directory(base_ + "/code")->size(), 4U) << "both, each with its seal";
  const auto component = ensure(from_text("(component)"), Use::kWagi);
  EXPECT_EQ(component.error().code(), ErrorCode::kInvalid);
}

TEST_F(CodeCacheTest, GivesOutFilesThatNobodyElseCanWrite) {
  const auto code = ensure(from_text(kEmptyProgram));
  ASSERT_TRUE(code.ok());
  struct stat status{};
  ASSERT_EQ(::fstat(code->fd.get(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0444U);
  EXPECT_EQ(status.st_uid, 0U);
  EXPECT_EQ(::fcntl(code->fd.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  ASSERT_EQ(::stat((base_ + "/key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  ASSERT_EQ(::stat((base_ + "/code").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
}

TEST_F(CodeCacheTest, RefusesEveryChangedOrCutEntry) {
  const std::string module = from_text(kEmptyProgram);
  const auto code = ensure(module);
  ASSERT_TRUE(code.ok());
  const std::string whole = *sys::read_file(code_path(), 64 << 20);
  std::vector<std::string> bad = {"", whole.substr(0, whole.size() - 1), whole + "x"};
  for (const size_t at : {size_t{0}, whole.size() / 2, whole.size() - 1}) {
    bad.push_back(whole);
    bad.back()[at] = static_cast<char>(bad.back()[at] ^ 1);
  }
  size_t count = 0;
  for (const std::string& content : bad) {
    ASSERT_TRUE(sys::write_file(code_path(), content).ok());
    const auto again = ensure(module);
    ASSERT_TRUE(again.ok()) << again.error().message();
    EXPECT_TRUE(again->compiled_now) << content.size();
    EXPECT_EQ(reports().size(), ++count);
    EXPECT_THAT(reports().back(), HasSubstr("seal"));
    EXPECT_EQ(*sys::read_file(code_path(), 64 << 20), whole);
  }
}

TEST_F(CodeCacheTest, RefusesAnEntryOfAnotherModuleAndOfAnotherNode) {
  const std::string one = from_text(kEmptyProgram);
  const auto first = ensure(one);
  ASSERT_TRUE(first.ok());
  const std::string stolen = code_path();
  const std::string other =
      from_text(R"((module (memory (export "memory") 2) (func (export "_start"))))");
  const std::string digest = *file_digest(module_file(other).get());
  const std::string target =
      base_ + "/code/" + digest.substr(7) + stolen.substr(stolen.find('-', base_.size() + 6));
  ASSERT_EQ(::rename(stolen.c_str(), target.c_str()), 0);
  ASSERT_EQ(::rename((stolen.substr(0, stolen.size() - 5) + ".seal").c_str(),
                     (target.substr(0, target.size() - 5) + ".seal").c_str()),
            0);
  EXPECT_EQ(cache_->find(digest).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(reports().size(), 1U);

  ASSERT_TRUE(ensure(one).ok());
  ASSERT_EQ(::unlink((base_ + "/key").c_str()), 0);
  open_cache();
  const auto again = ensure(one);
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->compiled_now);
  EXPECT_EQ(reports().size(), 2U);
}

TEST_F(CodeCacheTest, RefusesAnEntryThatOthersMayWrite) {
  const std::string module = from_text(kEmptyProgram);
  ASSERT_TRUE(ensure(module).ok());
  ASSERT_EQ(::chmod(code_path().c_str(), 0666), 0);
  EXPECT_TRUE(ensure(module)->compiled_now);
  ASSERT_EQ(::chown(code_path().c_str(), 65534, 65534), 0);
  EXPECT_TRUE(ensure(module)->compiled_now);
  EXPECT_EQ(reports().size(), 2U);
}

TEST_F(CodeCacheTest, GivesTheCompilersOwnWords) {
  const auto missing = ensure(from_text(
      R"((module (import "env" "launch_rockets" (func)) (memory (export "memory") 1) (func (export "_start"))))"));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code(), ErrorCode::kInvalid);
  EXPECT_THAT(missing.error().message(), HasSubstr("launch_rockets"));
  const auto invalid_module = ensure("this is no module");
  ASSERT_FALSE(invalid_module.ok());
  EXPECT_EQ(invalid_module.error().code(), ErrorCode::kInvalid);
  EXPECT_TRUE(sys::list_directory(base_ + "/code")->empty()) << "nothing of a failure is kept";
}

TEST_F(CodeCacheTest, HoldsAModuleAgainstItsDigest) {
  const sys::Fd file = module_file(from_text(kEmptyProgram));
  const std::string wrong = "sha256:" + std::string(64, '0');
  EXPECT_EQ(cache_->ensure(file.get(), wrong).error().code(), ErrorCode::kCorrupt);
  for (const char* bad : {"", "sha256:", "md5:00", "sha256:../../../../etc/passwd"}) {
    EXPECT_EQ(cache_->ensure(file.get(), bad).error().code(), ErrorCode::kInvalid) << bad;
  }
}

TEST_F(CodeCacheTest, BoundsTheCompiler) {
  auto bounded = options();
  bounded.code_limit_bytes = 1000;
  open_cache(bounded);
  EXPECT_EQ(ensure(from_text(kEmptyProgram)).error().code(), ErrorCode::kExhausted);
  bounded = options();
  bounded.compile_timeout_ms = 50;
  bounded.compiler = base_ + "/slow";
  ASSERT_TRUE(sys::write_file(bounded.compiler, "#!/bin/sh\nexec sleep 1000\n", 0755).ok());
  open_cache(bounded);
  EXPECT_EQ(ensure(from_text(kEmptyProgram)).error().code(), ErrorCode::kTimeout);
  bounded.compiler = "/no/such/compiler";
  open_cache(bounded);
  EXPECT_EQ(ensure(from_text(kEmptyProgram)).error().code(), ErrorCode::kNotFound);
}

// The kernel's own stamps are the same for all uses within one of its ticks.
TEST_F(CodeCacheTest, KnowsTheLastUseMoreFinelyThanTheKernelsTick) {
  const std::string module = from_text(kEmptyProgram);
  for (int i = 0; i < 3; ++i) {
    const auto code = ensure(module);
    ASSERT_TRUE(code.ok());
    struct stat status{};
    ASSERT_EQ(::fstat(code->fd.get(), &status), 0);
    const auto used = std::chrono::seconds(status.st_mtim.tv_sec) +
                      std::chrono::nanoseconds(status.st_mtim.tv_nsec);
    EXPECT_EQ(used, clock_.now().time_since_epoch());
    clock_.advance(std::chrono::microseconds(1));
  }
}

TEST_F(CodeCacheTest, ForgetsTheLeastRecentlyUsed) {
  const auto module = [this](int pages) {
    return from_text("(module (memory (export \"memory\") " + std::to_string(pages) +
                     ") (func (export \"_start\")))");
  };
  const auto first = ensure(module(1));
  ASSERT_TRUE(first.ok());
  auto bounded = options();
  bounded.size_limit_bytes = 2 * first->size_bytes + 100;
  open_cache(bounded);
  // Each use is a microsecond after the one before: far less than a tick of the kernel's own clock.
  clock_.advance(std::chrono::microseconds(1));
  ASSERT_TRUE(ensure(module(2)).ok());
  clock_.advance(std::chrono::microseconds(1));
  EXPECT_FALSE(ensure(module(1))->compiled_now) << "used again, so it is younger than the second";
  clock_.advance(std::chrono::microseconds(1));
  ASSERT_TRUE(ensure(module(3)).ok());
  EXPECT_FALSE(ensure(module(1))->compiled_now);
  EXPECT_FALSE(ensure(module(3))->compiled_now);
  EXPECT_TRUE(ensure(module(2))->compiled_now);
  EXPECT_LE(*cache_->size_bytes(), bounded.size_limit_bytes);
}

TEST_F(CodeCacheTest, ManyWhoWantTheSameWaitForOneCompiler) {
  const std::string counter = base_ + "/runs";
  auto counting = options();
  counting.compiler = base_ + "/counting";
  ASSERT_TRUE(sys::write_file(counting.compiler,
                              "#!/bin/sh\n/bin/echo run >> " + counter + "\nexec " +
                                  options().compiler + " \"$@\"\n",
                              0755)
                  .ok());
  open_cache(counting);
  const sys::Fd file = module_file(from_text(kEmptyProgram));
  const std::string digest = *file_digest(file.get());
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { good += cache_->ensure(file.get(), digest).ok() ? 1 : 0; });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(good, 8);
  EXPECT_EQ(*sys::read_file(counter, 4096), "run\n");
}

TEST_F(CodeCacheTest, KeepsItsKeySafe) {
  ASSERT_EQ(::chmod((base_ + "/key").c_str(), 0644), 0);
  EXPECT_EQ(CodeCache::open(options(), clock_).error().code(), ErrorCode::kPermission);
  ASSERT_TRUE(sys::write_file_atomic(base_ + "/key", "short", 0600).ok());
  EXPECT_EQ(CodeCache::open(options(), clock_).error().code(), ErrorCode::kCorrupt);
}

TEST(Mac, IsHmacSha256) {
  // RFC 4231, test case 1 in a key of 32 bytes: trailing zeros do not change an HMAC's key.
  NodeKey key{};
  std::fill_n(key.begin(), 20, 0x0b);
  auto mac = Mac::begin(key);
  ASSERT_TRUE(mac.ok());
  mac->add("Hi ");
  mac->add("There");
  EXPECT_EQ(*std::move(*mac).finish(),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
}

}  // namespace
}  // namespace duet::wasm
