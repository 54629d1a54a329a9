#include "api/session.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "api/failure.h"

namespace duet::api {
namespace {

using monitor::StreamEvent;

constexpr int64_t kStdinStallMs = -1;  // a process may leave its stdin unread as long as it likes
constexpr int kLingerMs = 5'000;       // for a client to take the last bytes and leave

std::string success() {
  return nlohmann::json{{"metadata", nlohmann::json::object()},
                        {"kind", "Status"},
                        {"apiVersion", "v1"},
                        {"status", "Success"}}
      .dump();
}

// How the process ended, as Kubernetes tells it on the error channel.
std::string end_status(const monitor::ChildState& state, SessionEnd end) {
  const int code = state.exit_code;
  if (code == 0 || end == SessionEnd::kSuccess) {
    return success();
  }
  return Failure{.http_status = 500,
                 .reason = "NonZeroExitCode",
                 .message = "command terminated with exit code " + std::to_string(code),
                 .causes = {{"ExitCode", std::to_string(code), ""}}}
      .to_json();
}

// Does what one frame of the client says.
Status take_frame(monitor::Stream& stream, const Frame& frame) {
  switch (frame.channel) {
    case Channel::kStdin:
      return stream.write_stdin(frame.payload, kStdinStallMs);
    case Channel::kResize: {
      DUET_ASSIGN(const TerminalSize size, parse_resize(frame.payload));
      return stream.resize(size.columns, size.rows);
    }
    case Channel::kClose:
      return frame.payload == std::string(1, '\0') ? stream.close_stdin() : Status();
    default:
      return invalid("clients send on the channels stdin, resize and close only");
  }
}

// From the client to the process, until the client closes or sends nonsense. What the process does
// not take any more is dropped: it is about to end.
void pump_input(SessionClient& client, monitor::Stream& stream, int left) {
  while (true) {
    const auto frame = client.next();
    if (!frame.ok() || !frame->has_value()) {
      break;
    }
    const Status done = take_frame(stream, **frame);
    if (!done.ok() && done.error().code() == ErrorCode::kInvalid) {
      break;
    }
  }
  client.cut();  // who has left takes nothing any more
  const uint64_t one = 1;
  (void)!write(left, &one, sizeof(one));
}

// From the process to the client, until it ends or the client has left.
Status pump_output(SessionClient& client, monitor::Stream& stream, int left, SessionEnd end) {
  pollfd polled[2] = {{.fd = stream.fd(), .events = POLLIN}, {.fd = left, .events = POLLIN}};
  while (true) {
    if (poll(polled, 2, -1) < 0 && errno != EINTR) {
      return Error::from_errno("poll", errno);
    }
    DUET_ASSIGN(const auto event, stream.next(0));
    if (event) {
      switch (event->kind) {
        case StreamEvent::Kind::kStdout:
          DUET_TRY(client.send(Channel::kStdout, event->data));
          break;
        case StreamEvent::Kind::kStderr:
          DUET_TRY(client.send(Channel::kStderr, event->data));
          break;
        case StreamEvent::Kind::kDropped:
          DUET_TRY(client.send(Channel::kStderr,
                               "[" + std::to_string(event->dropped_bytes) + " bytes lost]\n"));
          break;
        case StreamEvent::Kind::kExited:
          return client.send(Channel::kError, end_status(event->state, end));
      }
    } else if ((polled[1].revents & POLLIN) != 0) {
      return {};
    }
  }
}

}  // namespace

void run_session(SessionClient& client, pod::Session session, SessionEnd end) {
  const sys::Fd left(eventfd(0, EFD_CLOEXEC));
  std::thread input([&] { pump_input(client, session.stream, left.get()); });
  const Status told = pump_output(client, session.stream, left.get(), end);
  if (!told.ok()) {
    (void)client.send(Channel::kError, failure_of(told.error()).to_json());
  }
  client.end();
  shutdown(session.stream.fd(), SHUT_RDWR);  // the thread may wait for the process
  pollfd gone{.fd = left.get(), .events = POLLIN};
  (void)poll(&gone, 1, kLingerMs);
  client.cut();
  input.join();
}

}  // namespace duet::api
