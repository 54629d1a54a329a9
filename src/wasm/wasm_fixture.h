#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include "sys/clock.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/run_command.h"
#include "wasm/code_cache.h"
#include "wasm/program.h"

namespace duet::wasm {

inline constexpr int64_t kPatienceMs = 60'000;

inline std::string build_directory() {
  const char* build = ::getenv("DUET_BUILD_DIR");
  return build != nullptr ? build : sys::executable_directory().value_or("") + "/..";
}

// A folder with a cache in it, and the means to make modules and run them.
class WasmFixture : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::geteuid(), 0U) << "sandboxes of other users need root";
    auto made = sys::make_temporary_directory("/tmp", "wasm-test-");
    ASSERT_TRUE(made.ok());
    base_ = *made;
    ASSERT_EQ(::chmod(base_.c_str(), 0755), 0);
    open_cache();
  }
  void TearDown() override { EXPECT_TRUE(sys::remove_tree(base_).ok()); }

  CodeCacheOptions options() {
    return {.directory = base_ + "/code",
            .key_file = base_ + "/key",
            .compiler = build_directory() + "/duet-compile",
            .report = [this](const std::string& sentence) {
              const std::lock_guard lock(mutex_);
              reports_.push_back(sentence);
            }};
  }
  void open_cache() { open_cache(options()); }
  void open_cache(const CodeCacheOptions& options) {
    auto cache = CodeCache::open(options, clock_);
    ASSERT_TRUE(cache.ok()) << cache.error().message();
    cache_ = std::move(*cache);
  }

  // A module or component from its text.
  std::string from_text(const std::string& text) const {
    const std::string source = base_ + "/source.wat";
    const std::string target = base_ + "/target.wasm";
    EXPECT_TRUE(sys::write_file(source, text).ok());
    const auto made = sys::run({.argv = {DUET_WAT, source, target}}, "", kPatienceMs);
    EXPECT_TRUE(made.ok() && made->status.ok()) << (made.ok() ? made->err : made.error().message());
    return sys::read_file(target, 64 << 20).value_or("");
  }

  sys::Fd module_file(const std::string& bytes) {
    const std::string path = base_ + "/module.wasm";
    EXPECT_TRUE(sys::write_file(path, bytes).ok());
    return std::move(*sys::open_file(path, O_RDONLY));
  }
  Result<Code> ensure(const std::string& bytes, engine::Use use = engine::Use::kOwn) {
    const sys::Fd file = module_file(bytes);
    return cache_->ensure(file.get(), *file_digest(file.get()), use);
  }
  Result<Code> guest(const std::string& name) {
    const std::string path = build_directory() + "/guests/" + name + ".wasm";
    DUET_ASSIGN(const sys::Fd file, sys::open_file(path, O_RDONLY));
    return cache_->ensure(file.get(), *file_digest(file.get()));
  }

  Result<SandboxCommand> command(const Code& code, const ProgramSpec& spec) const {
    return make_sandbox_command(build_directory() + "/duet-sandbox", "test", code.fd.get(), spec);
  }

  // Runs a guest of the tests to its end.
  Result<sys::Output> run(const std::string& name, const ProgramSpec& spec,
                          const std::string& input = "") {
    DUET_ASSIGN(const Code code, guest(name));
    return run(code, spec, input);
  }
  Result<sys::Output> run(const Code& code, const ProgramSpec& spec,
                          const std::string& input = "") const {
    DUET_ASSIGN(const SandboxCommand sandbox, command(code, spec));
    return sys::run({.argv = sandbox.argv,
                     .env = std::vector<std::string>(),
                     .extra_fds = sandbox.fd_numbers()},
                    input, kPatienceMs);
  }

  std::vector<std::string> reports() {
    const std::lock_guard lock(mutex_);
    return reports_;
  }
  // The one .code file of the cache.
  std::string code_path() const {
    const auto names = sys::list_directory(base_ + "/code");
    for (const std::string& name : names.ok() ? *names : std::vector<std::string>()) {
      if (name.ends_with(".code")) {
        return base_ + "/code/" + name;
      }
    }
    return "";
  }

  std::string base_;
  sys::ManualClock clock_{sys::WallTime(std::chrono::hours(24 * 365 * 50))};
  std::unique_ptr<CodeCache> cache_;

 private:
  std::mutex mutex_;
  std::vector<std::string> reports_;
};

inline const std::string kEmptyProgram =
    R"((module (memory (export "memory") 1) (func (export "_start"))))";

}  // namespace duet::wasm
