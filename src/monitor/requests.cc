#include <unistd.h>

#include <algorithm>

#include "monitor/address.h"
#include "monitor/server.h"

// What the monitor does for each request.
namespace duet::monitor {

void Server::handle(ConnectionId id, MessageType type, std::string_view fields,
                    const std::vector<sys::Fd>& fds) {
  const auto answered = [&](const Status& status) { answer(id, status); };
  // These answer by themselves, unless they fail at once.
  const auto answers_later = [&](const Status& status) {
    if (!status.ok()) {
      answer(id, status);
    }
  };
  switch (type) {
    case MessageType::kHello:
      return answer(id, encode(MonitorInfo{.pid = ::getpid()}));
    case MessageType::kStartContainer:
      return answers_later(start_container(id, fields));
    case MessageType::kHoldContainer:
      return answers_later(hold_container(id, fields));
    case MessageType::kStartProcess:
      return answers_later(start_process(id, fields, fds));
    case MessageType::kSubscribe:
      return answers_later(subscribe(id));
    case MessageType::kExec:
      return answers_later(exec(id, fields));
    case MessageType::kAttach:
      return answers_later(attach(id, fields));
    case MessageType::kSignal:
      return answered(signal(fields));
    case MessageType::kRemove:
      return answered(remove(fields));
    case MessageType::kReopenLog:
      return answered(reopen_log(fields));
    case MessageType::kQuit:
      return answered(quit());
    default:
      return answered(Error(ErrorCode::kUnsupported, "this monitor does not know request " +
                                                         std::to_string(static_cast<int>(type)) +
                                                         "; it speaks version " +
                                                         std::to_string(kProtocolVersion)));
  }
}

Result<std::unique_ptr<Child>> Server::make_child(const std::string& name, const LogOptions& log,
                                                  const std::string& oom_counter_file) {
  if (!valid_id(name)) {
    return invalid("'" + name + "' cannot name a child: 1 to " + std::to_string(kIdLimitBytes) +
                   " letters, digits, '.', '_' or '-', the first not '.'");
  }
  if (children_.contains(name)) {
    return Error(ErrorCode::kAlreadyExists, name + " exists in this monitor; remove it first");
  }
  if (children_.size() >= kChildLimit) {
    return Error(ErrorCode::kExhausted,
                 "a monitor has at most " + std::to_string(kChildLimit) + " children");
  }
  DUET_ASSIGN(CriLog file, CriLog::open(log));
  const ChildContext context{*loop_, *reaper_, clock_, directory_ + "/exits",
                             [this](const std::string& id) { changed(id); }};
  return std::make_unique<Child>(context, name, std::move(file), oom_counter_file);
}

// The name of the container whose start has begun.
Result<std::string> Server::launch_container(ConnectionId id, std::string_view fields) {
  DUET_ASSIGN(ContainerStart request, decode_container_start(fields));
  const std::string name = request.id;
  DUET_ASSIGN(std::unique_ptr<Child> child,
              make_child(name, request.log, request.oom_counter_file));
  DUET_ASSIGN(std::unique_ptr<ContainerLaunch> launch,
              ContainerLaunch::begin(
                  *loop_, *reaper_, *child, std::move(request),
                  [this, id, name](const Status& status) { container_started(id, name, status); }));
  children_[name] = Running{std::move(child), std::move(launch)};
  changed(name);
  return name;
}

Status Server::start_container(ConnectionId id, std::string_view fields) {
  const auto name = launch_container(id, fields);
  return name.ok() ? Status() : name.error();
}

Status Server::hold_container(ConnectionId id, std::string_view fields) {
  DUET_ASSIGN(const std::string name, launch_container(id, fields));
  Running& running = children_.at(name);
  running.holder = id;
  running.launch->hold();
  Connection& connection = connections_.at(id);
  auto session = std::make_unique<HoldSession>(
      [this, id] {
        if (ContainerLaunch* launch = held_by(id)) {
          launch->proceed();
        }
      },
      [this, id] {
        if (ContainerLaunch* launch = held_by(id)) {
          launch->abandon();
        }
      },
      [this, id] { close(id); });
  connection.channel->hand_over(session.get());
  // The request's handler is on the stack.
  loop_->defer([old = std::shared_ptr<ChannelHandler>(std::move(connection.handler))] {});
  connection.handler = std::move(session);
  return {};
}

ContainerLaunch* Server::held_by(ConnectionId id) {
  const auto found = std::find_if(children_.begin(), children_.end(), [id](const auto& entry) {
    return entry.second.holder == id && entry.second.launch != nullptr;
  });
  return found == children_.end() ? nullptr : found->second.launch.get();
}

void Server::container_started(ConnectionId id, const std::string& name, const Status& status) {
  const auto found = children_.find(name);
  // The launch is still on the stack.
  loop_->defer([launch = std::shared_ptr<ContainerLaunch>(std::move(found->second.launch))] {});
  if (status.ok()) {
    answer(id, encode(MessageType::kDone, found->second.child->state()));
    return;
  }
  loop_->defer([child = std::shared_ptr<Child>(std::move(found->second.child))] {});
  children_.erase(found);
  changed(name);
  answer(id, status);
}

Status Server::start_process(ConnectionId id, std::string_view fields,
                             const std::vector<sys::Fd>& fds) {
  DUET_ASSIGN(const ProcessStart request, decode_process_start(fields));
  DUET_ASSIGN(std::unique_ptr<Child> child,
              make_child(request.id, request.log, request.oom_counter_file));
  Child& started = *child;
  children_[request.id].child = std::move(child);
  Status status = launch_process(started, request, fds);
  if (!status.ok()) {
    children_.erase(request.id);
    return status;
  }
  answer(id, encode(MessageType::kDone, started.state()));
  return {};
}

Status Server::subscribe(ConnectionId id) {
  Connection& connection = connections_.at(id);
  std::set<std::string> names;
  for (const auto& [name, running] : children_) {
    names.insert(name);
  }
  auto session = std::make_unique<SubscriptionSession>(
      *connection.channel, std::move(names),
      [this](const std::string& name) {
        const auto found = children_.find(name);
        return found == children_.end() ? std::optional<ChildState>()
                                        : std::optional(found->second.child->state());
      },
      [this, id] { close(id); });
  connection.subscription = session.get();
  connection.channel->hand_over(session.get());
  // The request's handler is on the stack.
  loop_->defer([old = std::shared_ptr<ChannelHandler>(std::move(connection.handler))] {});
  connection.handler = std::move(session);
  connection.subscription->begin();
  return {};
}

Status Server::exec(ConnectionId id, std::string_view fields) {
  DUET_ASSIGN(ExecStart request, decode_exec_start(fields));
  const auto running = std::count_if(connections_.begin(), connections_.end(),
                                     [](const auto& entry) { return entry.second.exec; });
  if (static_cast<size_t>(running) >= kExecLimit) {
    return Error(ErrorCode::kExhausted,
                 "a monitor has at most " + std::to_string(kExecLimit) + " exec sessions");
  }
  Connection& connection = connections_.at(id);
  auto session = std::make_unique<ExecSession>(*loop_, *reaper_, clock_, *connection.channel,
                                               std::move(request), [this, id] { close(id); });
  DUET_TRY(session->begin());
  connection.exec = true;
  connection.channel->hand_over(session.get());
  loop_->defer([old = std::shared_ptr<ChannelHandler>(std::move(connection.handler))] {});
  connection.handler = std::move(session);
  return {};
}

Status Server::attach(ConnectionId id, std::string_view fields) {
  DUET_ASSIGN(const std::string name, decode_id(fields));
  DUET_ASSIGN(Child * child, find(name));
  if (child->state().phase != ChildPhase::kRunning) {
    return Error(ErrorCode::kConflict, name + " does not run");
  }
  Connection& connection = connections_.at(id);
  connection.channel->send(encode(MessageType::kDone));
  auto session =
      std::make_unique<AttachSession>(*connection.channel, *child, [this, id] { close(id); });
  connection.channel->hand_over(session.get());
  loop_->defer([old = std::shared_ptr<ChannelHandler>(std::move(connection.handler))] {});
  connection.handler = std::move(session);
  return {};
}

Status Server::signal(std::string_view fields) {
  DUET_ASSIGN(const SignalRequest request, decode_signal(fields));
  DUET_ASSIGN(Child * child, find(request.id));
  return child->send_signal(request.signal);
}

Status Server::remove(std::string_view fields) {
  DUET_ASSIGN(const std::string name, decode_id(fields));
  DUET_ASSIGN(Child * child, find(name));
  if (child->state().phase != ChildPhase::kExited) {
    return Error(ErrorCode::kConflict, name + " still runs");
  }
  child->remove_exit_file();
  children_.erase(name);
  changed(name);
  return {};
}

Status Server::reopen_log(std::string_view fields) {
  DUET_ASSIGN(const std::string name, decode_id(fields));
  DUET_ASSIGN(Child * child, find(name));
  return child->reopen_log();
}

Status Server::quit() {
  for (const auto& [name, running] : children_) {
    if (running.child->state().phase != ChildPhase::kExited) {
      return Error(ErrorCode::kConflict, name + " still runs");
    }
  }
  ::unlinkat(folder_.get(), kSocketName, 0);
  loop_->stop();
  return {};
}

}  // namespace duet::monitor
