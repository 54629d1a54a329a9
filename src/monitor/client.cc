#include "monitor/client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "monitor/address.h"
#include "monitor/client_wire.h"
#include "sys/file.h"
#include "sys/monotonic_ms.h"
#include "sys/run_command.h"

namespace duet::monitor {

namespace {

constexpr int64_t kAnswerTimeoutMs = 10'000;

Result<sys::Fd> open_socket(const std::string& directory) {
  auto folder = sys::open_file(directory, O_PATH | O_DIRECTORY);
  if (!folder.ok()) {
    return Error(ErrorCode::kUnavailable, folder.error().message());
  }
  const SocketAddress address = socket_address(folder->get());
  sys::Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!fd.valid() || ::connect(fd.get(), address.pointer(), address.size) != 0) {
    const Error error = Error::from_errno("the monitor of " + directory, errno);
    return Error(
        error.code() == ErrorCode::kPermission ? ErrorCode::kPermission : ErrorCode::kUnavailable,
        error.message());
  }
  return fd;
}

// The answer to a request as a message: its fields after kDone, or the error.
Result<std::string> receive_answer(int fd, int64_t timeout_ms) {
  DUET_ASSIGN(const std::optional<WireMessage> message, receive_message(fd, timeout_ms));
  if (!message) {
    return Error(ErrorCode::kTimeout,
                 "the monitor did not answer within " + std::to_string(timeout_ms) + " ms");
  }
  if (message->type == MessageType::kFailed) {
    return decode_failure(message->fields);
  }
  if (message->type != MessageType::kDone) {
    return internal("the monitor answered what was not asked");
  }
  return message->fields;
}

Result<std::string> try_to_ask(const std::string& directory, std::string_view request,
                               int64_t timeout_ms, const std::vector<int>& fds) {
  DUET_ASSIGN(const sys::Fd fd, open_socket(directory));
  DUET_TRY(send_message(fd.get(), request, timeout_ms, fds));
  return receive_answer(fd.get(), timeout_ms);
}

// What a failed connection means: a monitor that has all the connections it takes looks like a dead
// one, and so does any monitor to a process without free descriptors. Only a dead one has let go of
// its lock.
Error why_nobody_answers(const std::string& directory, const Error& error) {
  const auto lock = sys::open_file(directory + "/monitor.lock", O_RDWR);
  if (!lock.ok()) {
    return lock.error().code() == ErrorCode::kNotFound ? error : lock.error();
  }
  struct flock whole{};
  whole.l_type = F_WRLCK;
  if (::fcntl(lock->get(), F_OFD_GETLK, &whole) != 0) {
    return Error::from_errno(directory + "/monitor.lock", errno);
  }
  return whole.l_type == F_UNLCK
             ? error
             : Error(ErrorCode::kExhausted, error.message() + ", though it lives: it is busy");
}

Result<std::string> ask(const std::string& directory, std::string_view request, int64_t timeout_ms,
                        const std::vector<int>& fds = {}) {
  auto answer = try_to_ask(directory, request, timeout_ms, fds);
  if (!answer.ok() && answer.error().code() == ErrorCode::kUnavailable) {
    return why_nobody_answers(directory, answer.error());
  }
  return answer;
}

Status ask_for_nothing(const std::string& directory, std::string_view request) {
  const auto answer = ask(directory, request, kAnswerTimeoutMs);
  return answer.ok() ? Status() : Status(answer.error());
}

}  // namespace

Result<MonitorClient> MonitorClient::connect(const std::string& directory) {
  DUET_ASSIGN(const std::string answer,
              ask(directory, encode(MessageType::kHello), kAnswerTimeoutMs));
  DUET_ASSIGN(const MonitorInfo info, decode_monitor_info(answer));
  if (info.version != kProtocolVersion) {
    return Error(ErrorCode::kUnsupported, "the monitor of " + directory + " speaks version " +
                                              std::to_string(info.version) + ", not " +
                                              std::to_string(kProtocolVersion));
  }
  return MonitorClient(directory, info);
}

Result<MonitorClient> MonitorClient::launch(const LaunchOptions& options) {
  DUET_TRY(sys::make_directories(options.directory, 0700));
  auto found = connect(options.directory);
  if (found.ok() || found.error().code() != ErrorCode::kUnavailable) {
    return found;
  }
  sys::Command command{.argv = {options.executable, options.directory}};
  command.cgroup_procs_files = options.cgroup_procs_files;
  DUET_ASSIGN(const sys::Output output, sys::run(command, "", options.timeout_ms));
  // It may have failed because another thread's monitor was faster: then there is one.
  found = connect(options.directory);
  if (!found.ok() && !output.status.ok()) {
    return internal("start a monitor: " + output.err);
  }
  return found;
}

Result<ChildState> MonitorClient::start_container(const ContainerStart& start) const {
  DUET_ASSIGN(const std::string answer, ask(directory_, encode(MessageType::kStartContainer, start),
                                            2 * int64_t{start.timeout_ms} + kAnswerTimeoutMs));
  return decode_child_state(answer);
}

Result<HeldContainer> MonitorClient::hold_container(const ContainerStart& start) const {
  DUET_ASSIGN(sys::Fd fd, open_socket(directory_));
  DUET_TRY(send_message(fd.get(), encode(MessageType::kHoldContainer, start), kAnswerTimeoutMs));
  return HeldContainer(std::move(fd), 2 * int64_t{start.timeout_ms} + kAnswerTimeoutMs);
}

Result<ChildState> HeldContainer::proceed() {
  // When it cannot be sent, because the creation failed, the answer is there already.
  [[maybe_unused]] const Status sent =
      send_message(fd_.get(), encode(MessageType::kProceed), kAnswerTimeoutMs);
  DUET_ASSIGN(const std::string answer, receive_answer(fd_.get(), timeout_ms_));
  return decode_child_state(answer);
}

Result<ChildState> MonitorClient::start_process(const ProcessStart& start,
                                                const std::vector<int>& fds) const {
  DUET_ASSIGN(const std::string answer, ask(directory_, encode(start), kAnswerTimeoutMs, fds));
  return decode_child_state(answer);
}

Status MonitorClient::send_signal(const std::string& id, int signal) const {
  return ask_for_nothing(directory_, encode(MessageType::kSignal, id, signal));
}

Result<std::vector<ChildState>> MonitorClient::list() const {
  auto states = try_to_list();
  if (!states.ok() && states.error().code() == ErrorCode::kUnavailable) {
    return why_nobody_answers(directory_, states.error());
  }
  return states;
}

Result<std::vector<ChildState>> MonitorClient::try_to_list() const {
  DUET_ASSIGN(Subscription subscription, subscribe());
  std::vector<ChildState> states;
  for (;;) {
    DUET_ASSIGN(const std::optional<Event> event, subscription.next_event(kAnswerTimeoutMs));
    if (!event) {
      return Error(ErrorCode::kTimeout, "the monitor of " + directory_ + " does not answer");
    }
    if (event->kind == Event::Kind::kSynced) {
      return states;
    }
    if (event->kind == Event::Kind::kState) {
      states.push_back(event->state);
    }
  }
}

Result<ChildState> MonitorClient::state(const std::string& id) const {
  DUET_ASSIGN(const std::vector<ChildState> states, list());
  const auto found = std::find_if(states.begin(), states.end(),
                                  [&](const ChildState& state) { return state.id == id; });
  if (found == states.end()) {
    return not_found("the monitor of " + directory_ + " has no child " + id);
  }
  return *found;
}

Result<ChildState> MonitorClient::wait(const std::string& id, int64_t timeout_ms) const {
  const int64_t deadline = sys::monotonic_ms() + timeout_ms;
  DUET_ASSIGN(Subscription subscription, subscribe());
  bool seen = false;
  for (;;) {
    DUET_ASSIGN(const std::optional<Event> event,
                subscription.next_event(std::max<int64_t>(deadline - sys::monotonic_ms(), 0)));
    if (!event) {
      return Error(ErrorCode::kTimeout,
                   id + " still runs after " + std::to_string(timeout_ms) + " ms");
    }
    if (event->kind == Event::Kind::kSynced
            ? !seen
            : event->kind == Event::Kind::kRemoved && event->state.id == id) {
      return not_found("the monitor of " + directory_ + " has no child " + id);
    }
    if (event->kind == Event::Kind::kState && event->state.id == id) {
      seen = true;
      if (event->state.phase == ChildPhase::kExited) {
        return event->state;
      }
    }
  }
}

Result<Subscription> MonitorClient::subscribe() const {
  DUET_ASSIGN(sys::Fd fd, open_socket(directory_));
  DUET_TRY(send_message(fd.get(), encode(MessageType::kSubscribe), kAnswerTimeoutMs));
  return Subscription(std::move(fd));
}

Result<Stream> MonitorClient::exec(const ExecStart& start) const {
  DUET_ASSIGN(sys::Fd fd, open_socket(directory_));
  DUET_TRY(send_message(fd.get(), encode(start), kAnswerTimeoutMs));
  const auto answer = receive_answer(fd.get(), int64_t{start.timeout_ms} + kAnswerTimeoutMs);
  return answer.ok() ? Result<Stream>(Stream(std::move(fd))) : answer.error();
}

Result<Stream> MonitorClient::attach(const std::string& id) const {
  DUET_ASSIGN(sys::Fd fd, open_socket(directory_));
  DUET_TRY(send_message(fd.get(), encode(MessageType::kAttach, id), kAnswerTimeoutMs));
  const auto answer = receive_answer(fd.get(), kAnswerTimeoutMs);
  return answer.ok() ? Result<Stream>(Stream(std::move(fd))) : answer.error();
}

Status MonitorClient::remove(const std::string& id) const {
  return ask_for_nothing(directory_, encode(MessageType::kRemove, id));
}

Status MonitorClient::reopen_log(const std::string& id) const {
  return ask_for_nothing(directory_, encode(MessageType::kReopenLog, id));
}

Status MonitorClient::quit() const {
  return ask_for_nothing(directory_, encode(MessageType::kQuit));
}

Result<std::vector<ChildState>> read_exits(const std::string& directory) {
  const std::string exits = directory + "/exits";
  std::vector<ChildState> states;
  if (!sys::file_exists(exits)) {
    return states;
  }
  DUET_ASSIGN(const std::vector<std::string> names, sys::list_directory(exits));
  for (const std::string& name : names) {
    const auto text = valid_id(name) ? sys::read_file(exits + "/" + name, 4096)
                                     : Result<std::string>(not_found(name));
    if (!text.ok() || text->empty()) {
      continue;
    }
    auto state = decode_child_state(std::string_view(*text).substr(1));
    if (state.ok() && state->id == name) {
      states.push_back(std::move(*state));
    }
  }
  return states;
}

}  // namespace duet::monitor
