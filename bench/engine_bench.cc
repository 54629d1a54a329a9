// engine_bench COMPILED-HANDLER [REQUESTS] [RESIDENT-KIB | plain]
//
// Times whole requests in process, one after the other on one thread: a fresh sandbox each, from
// the request's head to the response's last frame and the sandbox gone. "plain" does it without a
// pool. COMPILED-HANDLER is what duet-compile made.
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "engine/code_file.h"
#include "engine/handler.h"

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

std::size_t read_response(HandlerRequest& request) {
  std::size_t bytes = 0;
  if (const auto head = request.response_head(); !head || head->status != 200) {
    const auto end = request.end();
    fail(end ? end->message : "the handler did not answer at once with 200");
  }
  while (true) {
    const Frame frame = request.read();
    if (frame.kind == Frame::Kind::kEnd || frame.kind == Frame::Kind::kTrailers) {
      return bytes;
    }
    if (frame.kind != Frame::Kind::kData) {
      fail("the body did not come at once");
    }
    bytes += frame.data.size();
  }
}

double one_request(Engine& engine, Handler& handler, Times& times) {
  auto at = Clock::now();
  const auto begin = at;
  {
    auto request = HandlerRequest::start(
        handler, {"GET", "http", "localhost:8080", "/hello?a=1", kHeaders, true}, RequestLimits{},
        1);
    if (!request.ok()) {
      fail(request.error().message());
    }
    times.start += since_us(at);
    RequestEvents events = request->poll();
    while (!events.end()) {
      if (!engine.next_ready() && !engine.next_slow()) {
        fail("the guest waits for something that does not come");
      }
      events = request->poll();
    }
    times.poll += since_us(at);
    read_response(*request);
    times.read += since_us(at);
  }
  times.drop += since_us(at);
  return std::chrono::duration<double, std::micro>(at - begin).count();
}

void run(const char* path, int count, const EngineOptions& options) {
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
  Times warm;
  for (int i = 0; i < count / 10; ++i) {
    one_request(*engine, *handler, warm);
  }
  Times times;
  std::vector<double> all;
  all.reserve(static_cast<std::size_t>(count));
  const double cpu_before = cpu_us();
  for (int i = 0; i < count; ++i) {
    all.push_back(one_request(*engine, *handler, times));
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
    fail("usage: engine_bench COMPILED-HANDLER [REQUESTS] [RESIDENT-KIB | plain]");
  }
  EngineOptions options;
  if (argc > 3) {
    options.pooling = std::string_view(argv[3]) != "plain";
    options.resident_bytes = std::strtoull(argv[3], nullptr, 10) << 10U;
  }
  run(argv[1], argc > 2 ? std::max(1, std::atoi(argv[2])) : 100'000, options);
  return 0;
}
