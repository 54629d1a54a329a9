#include "monitor/runtime_call.h"

#include <signal.h>

#include "monitor/protocol.h"

namespace duet::monitor {

void append_tail(std::string& text, std::string_view data) {
  text.append(data);
  if (text.size() > kRuntimeTextBytes) {
    text.erase(0, text.size() - kRuntimeTextBytes);
  }
}

Result<std::unique_ptr<RuntimeCall>> RuntimeCall::start(Loop& loop, Reaper& reaper,
                                                        const std::vector<std::string>& argv,
                                                        const Io& io, int64_t timeout_ms,
                                                        Callback done) {
  std::unique_ptr<RuntimeCall> call(new RuntimeCall(loop, reaper, std::move(done)));
  DUET_ASSIGN(sys::Pipe pipe, sys::make_pipe());
  sys::Command command{.argv = argv};
  command.stdin_fd = io.stdin_fd;
  command.stdout_fd = io.stdout_fd < 0 ? pipe.write.get() : io.stdout_fd;
  command.stderr_fd = io.stderr_fd < 0 ? pipe.write.get() : io.stderr_fd;
  DUET_ASSIGN(call->output_, OutputPipe::open(loop, std::move(pipe.read),
                                              [text = &call->end_.text](std::string_view data) {
                                                append_tail(*text, data);
                                              }));
  DUET_ASSIGN(call->pid_, sys::spawn(command));
  reaper.hold();
  reaper.expect(call->pid_,
                [call = call.get()](const sys::ExitStatus& status) { call->ended(status); });
  call->timer_ = loop.after(timeout_ms, [call = call.get()] {
    call->end_.timed_out = true;
    ::kill(call->pid_, SIGKILL);  // ended() clears pid_ before it is reaped: it is still ours
  });
  return call;
}

RuntimeCall::~RuntimeCall() {
  if (pid_ != 0) {
    reaper_.forget(pid_);
    ::kill(pid_, SIGKILL);
    reaper_.release();
  }
  loop_.forget(timer_);
}

void RuntimeCall::ended(const sys::ExitStatus& status) {
  pid_ = 0;
  loop_.forget(timer_);
  output_->drain();
  end_.status = status;
  const End end = std::move(end_);
  const Callback done = std::move(done_);
  Reaper& reaper = reaper_;
  done(end);  // may destroy this
  reaper.release();
}

}  // namespace duet::monitor
