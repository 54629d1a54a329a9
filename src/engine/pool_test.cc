#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "base/sanitized.h"
#include "engine/handler_driver_for_test.h"

// Engines in processes that may map little: each test takes the limits from a child of its own.
namespace duet::engine {
namespace {

constexpr std::uint32_t kAsked = 1000;
constexpr rlim_t kGiB = rlim_t{1} << 30;

// A handler that reads the last byte of its memory and the three after it.
constexpr std::string_view kOutOfBounds = R"((component
  (import "wasi:http/types@0.2.0" (instance $types
    (export "incoming-request" (type (sub resource)))
    (export "response-outparam" (type (sub resource)))))
  (alias export $types "incoming-request" (type $request))
  (alias export $types "response-outparam" (type $out))
  (core module $m
    (memory 1)
    (func (export "handle") (param i32 i32) (drop (i32.load (i32.const 65535)))))
  (core instance $i (instantiate $m))
  (func $handle (param "request" (own $request)) (param "response-out" (own $out))
    (canon lift (core func $i "handle")))
  (instance $h (export "handle" (func $handle)))
  (export "wasi:http/incoming-handler@0.2.0" (instance $h))))";

EngineOptions asked(Bounds bounds = Bounds::kGuarded) {
  EngineOptions options;
  options.sandbox_limit = options.memory_limit = kAsked;
  options.bounds = bounds;
  return options;
}

Fd compile_for(std::string_view guest, Bounds bounds) {
  const Fd input(open(guest_path(guest).c_str(), O_RDONLY | O_CLOEXEC));
  CompilerRun run =
      run_compiler(input.get(), {"--bounds", bounds == Bounds::kChecked ? "checked" : "guarded"});
  EXPECT_EQ(run.exit_code, 0) << run.errors;
  return std::move(run.output);
}

// Whether an engine answers from as many sandboxes at a time as its pool has, at most `many`.
bool answers(int code, const EngineOptions& options, std::uint32_t many,
             std::uint32_t* sandboxes = nullptr) {
  auto engine = Engine::create(options);
  if (!engine.ok()) {
    return false;
  }
  if (sandboxes != nullptr) {
    *sandboxes = engine->sandboxes();
  }
  auto handler = Handler::load(*engine, code, {});
  if (!handler.ok()) {
    return false;
  }
  const std::uint32_t count =
      engine->pooled() ? std::min(many, engine->sandboxes()) : std::min(many, 4U);
  std::vector<HandlerRequest> alive;
  for (std::uint32_t i = 0; i < count; ++i) {
    // Held back by a body that does not come, so that all are alive together.
    auto request = HandlerRequest::start(*handler, {"POST", "http", "example.test", "/", {}, false},
                                         RequestLimits{}, i);
    if (!request.ok()) {
      return false;
    }
    request->poll();
    alive.push_back(std::move(*request));
  }
  for (HandlerRequest& request : alive) {
    const auto head = request.response_head();
    if (!head || head->status != 200) {
      return false;
    }
  }
  return true;
}

// Runs `body` in a child; what it returns is the exit code.
int in_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    _exit(body());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void limit(__rlimit_resource resource, rlim_t most) {
  const rlimit both{most, most};
  setrlimit(resource, &both);
}

constexpr const char* kNoRoomForShadow = "a sanitizer's shadow memory does not fit into the limit";

// The pool has fewer sandboxes than asked for, and works with all that it has.
int shrinks(int code) {
  std::uint32_t sandboxes = 0;
  if (!answers(code, asked(), kAsked, &sandboxes)) {
    return 1;
  }
  return sandboxes > 0 && sandboxes < kAsked ? 0 : 2;
}

TEST(Pool, HasWhatWasAskedForWhereThereIsRoom) {
  auto engine = Engine::create(asked());
  ASSERT_TRUE(engine.ok());
  EXPECT_EQ(engine->sandboxes(), kAsked);
  EXPECT_EQ(suitable_bounds(), Bounds::kGuarded);
}

TEST(Pool, ShrinksInAShortAddressSpace) {
  if (kSanitized) {
    GTEST_SKIP() << kNoRoomForShadow;
  }
  const Fd code = compile_for("echo_handler", Bounds::kGuarded);
  EXPECT_EQ(in_child([&] {
              limit(RLIMIT_AS, 200 * kGiB);
              return shrinks(code.get());
            }),
            0);
}

// As with vm.overcommit_memory=2, only what may be written to counts.
TEST(Pool, ShrinksWhereLittleMemoryMayBePromised) {
  if (kSanitized) {
    GTEST_SKIP() << kNoRoomForShadow;
  }
  const Fd code = compile_for("echo_handler", Bounds::kGuarded);
  EXPECT_EQ(in_child([&] {
              limit(RLIMIT_DATA, kGiB / 4);
              return shrinks(code.get());
            }),
            0);
}

TEST(Pool, ShrinksWhereMappingsAreFew) {
  const Fd code = compile_for("echo_handler", Bounds::kGuarded);
  EXPECT_EQ(in_child([&] {
              // vm.max_map_count is the machine's; so all but a thousand are used up.
              constexpr std::size_t kPage = 4096;
              constexpr std::size_t kPages = std::size_t{1} << 21;
              char* start = static_cast<char*>(
                  mmap(nullptr, kPages * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
              std::size_t used = 0;
              while (used < kPages && mprotect(start + used * kPage, kPage, PROT_READ) == 0) {
                used += 2;
              }
              munmap(start, 1000 * kPage);
              return shrinks(code.get());
            }),
            0);
}

TEST(Pool, GivesWayToMemoriesOnDemandWithCheckedBounds) {
  if (kSanitized) {
    GTEST_SKIP() << kNoRoomForShadow;
  }
  const Fd code = compile_for("echo_handler", Bounds::kChecked);
  EXPECT_EQ(in_child([&] {
              limit(RLIMIT_AS, 2 * kGiB);
              std::uint32_t sandboxes = 1;
              if (suitable_bounds() != Bounds::kChecked) {
                return 1;
              }
              return answers(code.get(), asked(suitable_bounds()), 4, &sandboxes) && sandboxes == 0
                         ? 0
                         : 2;
            }),
            0);
}

TEST(Pool, CheckedBoundsHold) {
  const std::string wasm = wasm_from_text(kOutOfBounds);
  for (const Bounds bounds : {Bounds::kGuarded, Bounds::kChecked}) {
    const Fd module = memory_file(wasm);
    CompilerRun run = run_compiler(
        module.get(), {"--bounds", bounds == Bounds::kChecked ? "checked" : "guarded"});
    ASSERT_EQ(run.exit_code, 0) << run.errors;
    Host host(std::move(run.output), {}, asked(bounds));
    const Exchange exchange = host.get("/");
    EXPECT_EQ(exchange.outcome, RequestEnd::Outcome::kTrap);
    EXPECT_NE(exchange.message.find("out of bounds"), std::string::npos) << exchange.message;
  }
}

TEST(Pool, CodeForOtherBoundsIsNotLoaded) {
  for (const Bounds bounds : {Bounds::kGuarded, Bounds::kChecked}) {
    const Fd code = compile_for("hello_handler", bounds);
    auto engine =
        Engine::create(asked(bounds == Bounds::kChecked ? Bounds::kGuarded : Bounds::kChecked));
    ASSERT_TRUE(engine.ok());
    EXPECT_FALSE(Handler::load(*engine, code.get(), {}).ok());
  }
}

}  // namespace
}  // namespace duet::engine
