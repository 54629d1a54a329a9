#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "api/frame.h"
#include "api/handlers.h"

// exec and attach: the streams of a process in a pod as frames on the upgraded connection.
namespace duet::api {
namespace {

using monitor::StreamEvent;

constexpr int64_t kStdinStallMs = -1;  // a process may leave its stdin unread as long as it likes

// How the process ended, as Kubernetes tells it on the error channel.
std::string end_status(const monitor::ChildState& state) {
  const int code = state.exit_code;
  if (code == 0) {
    return nlohmann::json{{"metadata", nlohmann::json::object()},
                          {"kind", "Status"},
                          {"apiVersion", "v1"},
                          {"status", "Success"}}
        .dump();
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
void pump_input(int connection, std::string buffered, monitor::Stream& stream, int left) {
  FrameReader reader(connection, std::move(buffered));
  while (true) {
    const auto frame = reader.next();
    if (!frame.ok() || !frame->has_value()) {
      break;
    }
    const Status done = take_frame(stream, **frame);
    if (!done.ok() && done.error().code() == ErrorCode::kInvalid) {
      break;
    }
  }
  const uint64_t one = 1;
  (void)!write(left, &one, sizeof(one));
}

// From the process to the client, until it ends or the client has left.
Status pump_output(int connection, monitor::Stream& stream, int left) {
  pollfd polled[2] = {{.fd = stream.fd(), .events = POLLIN}, {.fd = left, .events = POLLIN}};
  while (true) {
    if (poll(polled, 2, -1) < 0 && errno != EINTR) {
      return Error::from_errno("poll", errno);
    }
    DUET_ASSIGN(const auto event, stream.next(0));
    if (event) {
      switch (event->kind) {
        case StreamEvent::Kind::kStdout:
          DUET_TRY(send_frames(connection, Channel::kStdout, event->data));
          break;
        case StreamEvent::Kind::kStderr:
          DUET_TRY(send_frames(connection, Channel::kStderr, event->data));
          break;
        case StreamEvent::Kind::kDropped:
          DUET_TRY(send_frames(connection, Channel::kStderr,
                               "[" + std::to_string(event->dropped_bytes) + " bytes lost]\n"));
          break;
        case StreamEvent::Kind::kExited:
          return send_frames(connection, Channel::kError, end_status(event->state));
      }
    } else if ((polled[1].revents & POLLIN) != 0) {
      return {};
    }
  }
}

void run_session(Exchange& exchange, pod::Session session) {
  const int connection = exchange.connection.fd();
  const net::FieldList fields = {{"Upgrade", std::string(kChannelProtocol)}};
  if (!exchange.connection.switch_protocols(fields).ok()) {
    return;
  }
  // A person may think for as long as they like.
  const timeval forever{};
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever));
  const sys::Fd left(eventfd(0, EFD_CLOEXEC));
  std::thread input([&, buffered = exchange.connection.take_buffered()]() mutable {
    pump_input(connection, std::move(buffered), session.stream, left.get());
  });
  const Status told = pump_output(connection, session.stream, left.get());
  if (!told.ok()) {
    (void)send_frames(connection, Channel::kError, failure_of(told.error()).to_json());
  }
  // Ends both the thread's wait for the client and its wait for the process.
  shutdown(connection, SHUT_RDWR);
  shutdown(session.stream.fd(), SHUT_RDWR);
  input.join();
}

bool can_upgrade(Exchange& exchange) {
  if (exchange.context.pods == nullptr) {
    exchange.answer(Error(ErrorCode::kUnavailable, "this node runs no pods"));
    return false;
  }
  if (!exchange.request.upgrade ||
      net::find_value(exchange.request.fields, "Upgrade") != kChannelProtocol) {
    exchange.answer(bad_request("this needs a connection that is upgraded to " +
                                std::string(kChannelProtocol) + "; use the command duet exec"));
    return false;
  }
  const auto key = exchange.path.key();
  if (const auto pod = exchange.context.store.get(key); !pod.ok()) {
    exchange.answer(failure_of(pod.error(), key));
    return false;
  }
  return true;
}

void start_session(Exchange& exchange, Result<pod::Session> session) {
  if (!session.ok()) {
    return exchange.answer(session.error());
  }
  run_session(exchange, std::move(*session));
}

}  // namespace

void handle_exec(Exchange& exchange) {
  if (!can_upgrade(exchange)) {
    return;
  }
  const pod::ExecOptions options{.command = exchange.query.all("command"),
                                 .tty = exchange.query.flag("tty"),
                                 .stdin_open = exchange.query.flag("stdin")};
  start_session(exchange, exchange.context.pods->exec(exchange.path.key(),
                                                      exchange.query.get("container"), options));
}

void handle_attach(Exchange& exchange) {
  if (can_upgrade(exchange)) {
    start_session(exchange, exchange.context.pods->attach(exchange.path.key(),
                                                          exchange.query.get("container")));
  }
}

}  // namespace duet::api
