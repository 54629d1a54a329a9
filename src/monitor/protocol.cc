#include "monitor/protocol.h"

#include <algorithm>

#include "monitor/wire.h"

namespace duet::monitor {

namespace {

WireWriter message(MessageType type) {
  WireWriter writer;
  writer.number(static_cast<uint8_t>(type));
  return writer;
}

void put(WireWriter& writer, const LogOptions& log) {
  writer.text(log.path);
  writer.number(log.size_limit_bytes);
  writer.number(log.file_limit);
}

LogOptions take_log(WireReader& reader) {
  LogOptions log;
  log.path = reader.text();
  log.size_limit_bytes = reader.number<uint64_t>();
  log.file_limit = reader.number<uint32_t>();
  return log;
}

Error malformed(std::string_view what) {
  return {ErrorCode::kCorrupt, "the message about " + std::string(what) +
                                   " is not whole: monitor and agent are of different versions"};
}

template <typename T>
Result<T> checked(const WireReader& reader, T value, std::string_view what) {
  if (!reader.done()) {
    return malformed(what);
  }
  return value;
}

}  // namespace

bool valid_id(std::string_view id) {
  return !id.empty() && id.size() <= kIdLimitBytes && id[0] != '.' &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

std::string encode(MessageType type) { return message(type).take(); }

std::string encode(MessageType type, std::string_view id) {
  WireWriter writer = message(type);
  writer.text(id);
  return writer.take();
}

std::string encode(MessageType type, std::string_view id, int32_t signal) {
  WireWriter writer = message(type);
  writer.text(id);
  writer.number(signal);
  return writer.take();
}

std::string encode(MessageType type, const ContainerStart& start) {
  WireWriter writer = message(type);
  writer.text(start.id);
  writer.list(start.create_argv);
  writer.list(start.start_argv);
  writer.text(start.pid_file);
  writer.text(start.console_socket);
  put(writer, start.log);
  writer.flag(start.stdin_open);
  writer.flag(start.stdin_once);
  writer.text(start.oom_counter_file);
  writer.number(start.timeout_ms);
  return writer.take();
}

Result<ContainerStart> decode_container_start(std::string_view bytes) {
  WireReader reader(bytes);
  ContainerStart start;
  start.id = reader.text();
  start.create_argv = reader.list();
  start.start_argv = reader.list();
  start.pid_file = reader.text();
  start.console_socket = reader.text();
  start.log = take_log(reader);
  start.stdin_open = reader.flag();
  start.stdin_once = reader.flag();
  start.oom_counter_file = reader.text();
  start.timeout_ms = reader.number<uint32_t>();
  return checked(reader, std::move(start), "a container");
}

std::string encode(const ProcessStart& start) {
  WireWriter writer = message(MessageType::kStartProcess);
  writer.text(start.id);
  writer.list(start.argv);
  writer.list(start.env);
  writer.list(start.cgroup_procs_files);
  writer.text(start.network_namespace);
  put(writer, start.log);
  writer.flag(start.stdin_open);
  writer.flag(start.stdin_once);
  writer.flag(start.terminal);
  writer.text(start.oom_counter_file);
  return writer.take();
}

Result<ProcessStart> decode_process_start(std::string_view bytes) {
  WireReader reader(bytes);
  ProcessStart start;
  start.id = reader.text();
  start.argv = reader.list();
  start.env = reader.list();
  start.cgroup_procs_files = reader.list();
  start.network_namespace = reader.text();
  start.log = take_log(reader);
  start.stdin_open = reader.flag();
  start.stdin_once = reader.flag();
  start.terminal = reader.flag();
  start.oom_counter_file = reader.text();
  return checked(reader, std::move(start), "a process");
}

std::string encode(const ExecStart& start) {
  WireWriter writer = message(MessageType::kExec);
  writer.list(start.argv);
  writer.text(start.pid_file);
  writer.text(start.console_socket);
  writer.flag(start.stdin_open);
  writer.number(start.timeout_ms);
  return writer.take();
}

Result<ExecStart> decode_exec_start(std::string_view bytes) {
  WireReader reader(bytes);
  ExecStart start;
  start.argv = reader.list();
  start.pid_file = reader.text();
  start.console_socket = reader.text();
  start.stdin_open = reader.flag();
  start.timeout_ms = reader.number<uint32_t>();
  return checked(reader, std::move(start), "an exec");
}

std::string encode(MessageType type, const ChildState& state) {
  WireWriter writer = message(type);
  writer.text(state.id);
  writer.number(static_cast<uint8_t>(state.phase));
  writer.number(state.pid);
  writer.number(state.exit_code);
  writer.number(state.signal);
  writer.flag(state.oom_killed);
  writer.number(state.started_ns);
  writer.number(state.finished_ns);
  return writer.take();
}

Result<ChildState> decode_child_state(std::string_view bytes) {
  WireReader reader(bytes);
  ChildState state;
  state.id = reader.text();
  const auto phase = reader.number<uint8_t>();
  if (phase < static_cast<uint8_t>(ChildPhase::kStarting) ||
      phase > static_cast<uint8_t>(ChildPhase::kExited)) {
    return malformed("a state");
  }
  state.phase = static_cast<ChildPhase>(phase);
  state.pid = reader.number<int32_t>();
  state.exit_code = reader.number<int32_t>();
  state.signal = reader.number<int32_t>();
  state.oom_killed = reader.flag();
  state.started_ns = reader.number<int64_t>();
  state.finished_ns = reader.number<int64_t>();
  return checked(reader, std::move(state), "a state");
}

std::string encode(const MonitorInfo& info) {
  WireWriter writer = message(MessageType::kDone);
  writer.number(info.version);
  writer.number(info.pid);
  return writer.take();
}

Result<MonitorInfo> decode_monitor_info(std::string_view bytes) {
  WireReader reader(bytes);
  MonitorInfo info;
  info.version = reader.number<uint32_t>();
  info.pid = reader.number<int32_t>();
  return checked(reader, info, "the monitor");
}

std::string encode(const Error& error) {
  WireWriter writer = message(MessageType::kFailed);
  writer.number(static_cast<uint8_t>(error.code()));
  writer.text(std::string_view(error.message()).substr(0, kMessageLimitBytes / 2));
  return writer.take();
}

Error decode_failure(std::string_view bytes) {
  WireReader reader(bytes);
  const auto code = reader.number<uint8_t>();
  std::string text = reader.text();
  if (!reader.done() || code > static_cast<uint8_t>(ErrorCode::kInternal)) {
    return malformed("a failure");
  }
  return {static_cast<ErrorCode>(code), std::move(text)};
}

Result<std::string> decode_id(std::string_view bytes) {
  WireReader reader(bytes);
  std::string id = reader.text();
  return checked(reader, std::move(id), "a child's id");
}

Result<SignalRequest> decode_signal(std::string_view bytes) {
  WireReader reader(bytes);
  SignalRequest request;
  request.id = reader.text();
  request.signal = reader.number<int32_t>();
  return checked(reader, std::move(request), "a signal");
}

}  // namespace duet::monitor
