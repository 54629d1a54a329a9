#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "monitor/server.h"
#include "sys/clock.h"
#include "sys/process.h"

// duet-monitor DIRECTORY: the process above one pod. Returns when the monitor listens in DIRECTORY,
// or with 1 and a sentence on stderr; the monitor itself goes on in a session of its own.
namespace duet::monitor {
namespace {

// Lets the caller of duet-monitor wait until the monitor listens.
class Readiness {
 public:
  explicit Readiness(sys::Fd pipe) : pipe_(std::move(pipe)) {}
  // An empty text: ready.
  void tell(const std::string& error) {
    [[maybe_unused]] const ssize_t put = ::write(pipe_.get(), error.data(), error.size());
    pipe_.reset();
  }

 private:
  sys::Fd pipe_;
};

// Waits for the monitor's word in the process that the caller started.
int wait_until_ready(const sys::Fd& pipe) {
  std::string text;
  char chunk[512];
  for (ssize_t got = 0; (got = ::read(pipe.get(), chunk, sizeof chunk)) > 0;) {
    text.append(chunk, static_cast<size_t>(got));
  }
  if (text == "ready") {
    return 0;
  }
  std::fprintf(stderr, "duet-monitor: %s\n", text.empty() ? "ended early" : text.c_str());
  return 1;
}

void leave_the_callers_world() {
  for (const int signal : {SIGHUP, SIGINT, SIGTERM, SIGPIPE, SIGQUIT}) {
    ::signal(signal, SIG_IGN);  // the pod's end is the agent's decision
  }
  [[maybe_unused]] const int moved = ::chdir("/");
  ::umask(0077);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd <= 2 && null >= 0; ++fd) {
    ::dup2(null, fd);
  }
}

int serve(const std::string& directory, Readiness ready) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::prctl(PR_SET_DUMPABLE, 0);
  const sys::SystemClock clock;
  auto server = Server::open(directory, clock);
  if (!server.ok()) {
    ready.tell(server.error().message());
    return 1;
  }
  leave_the_callers_world();
  ready.tell("ready");
  (*server)->run();
  return 0;
}

// The grandchild is the monitor: nobody's session leader, nobody's child.
int detach_and_serve(const std::string& directory) {
  auto pipe = sys::make_pipe();
  if (!pipe.ok()) {
    std::fprintf(stderr, "duet-monitor: %s\n", pipe.error().message().c_str());
    return 1;
  }
  const pid_t child = ::fork();
  if (child > 0) {
    pipe->write.reset();
    return wait_until_ready(pipe->read);
  }
  pipe->read.reset();
  if (child < 0 || ::setsid() < 0) {
    Readiness(std::move(pipe->write)).tell(std::strerror(errno));
    return 1;
  }
  const pid_t grandchild = ::fork();
  if (grandchild != 0) {
    return grandchild < 0 ? 1 : 0;
  }
  return serve(directory, Readiness(std::move(pipe->write)));
}

}  // namespace
}  // namespace duet::monitor

int main(int argc, char** argv) {
  if (argc != 2 || argv[1][0] != '/') {
    std::fprintf(stderr, "usage: duet-monitor DIRECTORY (an absolute path)\n");
    return 2;
  }
  ::close_range(3, ~0U, 0);  // whatever the caller forgot to close would live as long as the pod
  return duet::monitor::detach_and_serve(argv[1]);
}
