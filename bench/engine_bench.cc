// engine_bench COMPILED-HANDLER [REQUESTS] [RESIDENT-KIB | plain | again]
//
// Times whole requests in process, one after the other on one thread: a fresh sandbox each, from
// the request's head to the response's last frame and the sandbox gone. "plain" does it without a
// pool, "again" in one sandbox (of an asynchronous handler). COMPILED-HANDLER is what duet-compile
// made.
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/code_file.h"
#include "engine/handler.h"
#include "engine/instances.h"

namespace {

using namespace duet;          // NOLINT(google-build-using-namespace)
using namespace duet::engine;  // NOLINT(google-build-using-namespace)
using Clock = std::chrono::steady_clock;

constexpr std::array<Field, 4> kHeaders{{{"user-agent", "engine_bench"},
                                         {"accept", "*/*"},
                                         {"accept-encoding", "gzip, deflate"},
                                         {"x-request-id", "0123456789abcdef"}}};

struct Times {
  double start = 0;
  double poll = 0;
  double read = 0;
  double drop = 0;
};

double since_us(Clock::time_point& from) {
  const auto now = Clock::now();
  const double us = std::chrono::duration<double, std::micro>(now - from).count();
  from = now;
  return us;
}

// What this thread has computed, in us: other processes on the machine do not show in it.
double cpu_us() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

[[noreturn]] void fail(std::string_view what) {
  std::fprintf(stderr, "engine_bench: %.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(1);
}

void read_head(HandlerRequest& request) {
  if (const auto head = request.response_head(); !head || head->status != 200) {
    const auto end = request.end();
    fail(end ? end->message : "the handler did not answer at once with 200");
  }
}

// Whether that was all of it.
bool read_body(HandlerRequest& request) {
  while (true) {
    const Frame frame = request.read();
    if (frame.kind == Frame::Kind::kEnd || frame.kind == Frame::Kind::kTrailers) {
      return true;
    }
    if (frame.kind != Frame::Kind::kData) {
      return false;
    }
  }
}

// One engine with one handler.
struct Bench {
  Engine& engine;
  Handler& handler;
  std::optional<Instances> instances;  // none: a fresh sandbox each
};

RequestEvents next_turn(Bench& bench, HandlerRequest& request) {
  if (!bench.engine.next_ready() && !bench.engine.next_slow()) {
    fail("the guest waits for something that does not come");
  }
  return request.poll();
}

double one_request(Bench& bench, Times& times) {
  auto at = Clock::now();
  const auto begin = at;
  {
    const RequestHead head{"GET", "http", "localhost:8080", "/hello?a=1", kHeaders, true};
    auto request = bench.instances ? bench.instances->start(head, RequestLimits{}, 1)
                                   : HandlerRequest::start(bench.handler, head, RequestLimits{}, 1);
    if (!request.ok()) {
      fail(request.error().message());
    }
    times.start += since_us(at);
    // A guest whose epoch ended wants another turn, and an asynchronous one ends after its answer
    // was taken.
    RequestEvents events = request->poll();
    while (!events.head() && !events.end()) {
      events = next_turn(bench, *request);
    }
    times.poll += since_us(at);
    read_head(*request);
    bool whole = read_body(*request);
    times.read += since_us(at);
    while (!events.end()) {
      events = next_turn(bench, *request);
      whole = whole || read_body(*request);
      times.poll += since_us(at);
    }
    if (!whole) {
      fail("the body did not come at once");
    }
  }
  times.drop += since_us(at);
  return std::chrono::duration<double, std::micro>(at - begin).count();
}

void run(const char* path, int count, const EngineOptions& options, bool again) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    fail("cannot open the compiled handler");
  }
  const auto footer = read_code_footer(fd);
  if (!footer.ok()) {
    fail(footer.error().message());
  }
  auto engine = Engine::create(options);
  if (!engine.ok()) {
    fail(engine.error().message());
  }
  auto handler = Handler::load(*engine, fd, {});
  close(fd);
  if (!handler.ok()) {
    fail(handler.error().message());
  }
  const auto ticker = EpochTicker::start(*engine, options.tick_ns);
  if (!ticker.ok()) {
    fail(ticker.error().message());
  }
  Bench bench{*engine, *handler, std::nullopt};
  if (again) {
    constexpr std::uint32_t kForEver = 1'000'000'000;
    auto instances = Instances::create(*handler, {.requests = kForEver}, 2);
    if (!instances.ok()) {
      fail(instances.error().message());
    }
    bench.instances.emplace(std::move(*instances));
  }
  Times warm;
  for (int i = 0; i < count / 10; ++i) {
    one_request(bench, warm);
  }
  Times times;
  std::vector<double> all;
  all.reserve(static_cast<std::size_t>(count));
  const double cpu_before = cpu_us();
  for (int i = 0; i < count; ++i) {
    all.push_back(one_request(bench, times));
  }
  const double cpu = (cpu_us() - cpu_before) / count;
  std::sort(all.begin(), all.end());
  const auto at = [&](double part) { return all[static_cast<std::size_t>(part * (count - 1))]; };
  std::printf("%s: %d requests, us each: mean %.2f  p50 %.2f  p99 %.2f  min %.2f  CPU %.2f\n",
              engine->pooled() ? "pooled" : "without pool", count,
              (times.start + times.poll + times.read + times.drop) / count, at(0.5), at(0.99),
              at(0), cpu);
  std::printf("  start %.2f  poll %.2f  read %.2f  drop %.2f\n", times.start / count,
              times.poll / count, times.read / count, times.drop / count);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fail("usage: engine_bench COMPILED-HANDLER [REQUESTS] [RESIDENT-KIB | plain | again]");
  }
  EngineOptions options;
  const std::string_view how = argc > 3 ? argv[3] : "";
  options.pooling = how != "plain";
  if (!how.empty() && options.pooling && how != "again") {
    options.resident_bytes = std::strtoull(argv[3], nullptr, 10) << 10U;
  }
  run(argv[1], argc > 2 ? std::max(1, std::atoi(argv[2])) : 100'000, options, how == "again");
  return 0;
}
