#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// What a pod's monitor and its clients say to each other.
//
// The socket is <directory>/monitor.sock, SOCK_SEQPACKET, so one message is one record and
// descriptors travel with the message that names them. A connection carries one request. Then the
// monitor answers with one kDone or kFailed, or (kSubscribe, kExec, kAttach) the connection becomes
// a stream until one side closes it.
//
// A message is one byte of MessageType followed by that type's fields in the order of the structs
// below. Numbers are little-endian and of fixed size; a text is a 32-bit length and its bytes; a
// list is a 32-bit count and its elements. A message that ends early, is too long or has an unknown
// type ends the connection. Both sides are of the same build of duet or of neighbouring ones: the
// first field of kHello is the version, and a request of an unknown version is refused by name.
namespace duet::monitor {

inline constexpr uint32_t kProtocolVersion = 1;

// Bounds of one monitor.
inline constexpr size_t kMessageLimitBytes = 64 << 10;
inline constexpr size_t kStreamChunkBytes = 16 << 10;  // of one stdin, stdout or stderr message
inline constexpr size_t kChildLimit = 128;             // running ones and remembered ends
inline constexpr size_t kConnectionLimit = 128;
inline constexpr size_t kExecLimit = 32;           // exec sessions at the same time
inline constexpr size_t kPassedFdLimit = 8;        // descriptors of one kStartProcess
inline constexpr size_t kRuntimeTextBytes = 8192;  // of what the OCI runtime itself printed
inline constexpr size_t kIdLimitBytes = 128;       // letters, digits, '.', '_', '-'; no dot first

enum class MessageType : uint8_t {
  // requests
  kHello = 1,           // nothing; answered by MonitorInfo
  kStartContainer = 2,  // ContainerStart; answered by ChildState
  kStartProcess = 3,    // ProcessStart and its descriptors; answered by ChildState
  kSignal = 4,          // text id, i32 signal
  kSubscribe = 5,       // nothing; kState of each child, kSynced, then each change
  kExec = 6,            // ExecStart; the connection becomes a stream
  kAttach = 7,          // text id; the connection becomes a stream
  kRemove = 8,          // text id
  kReopenLog = 9,       // text id
  kQuit = 10,           // nothing; refused while a child runs
  // ContainerStart; created as by kStartContainer, but its program starts only when kProceed comes
  // on the same connection. Answered by ChildState then. A connection that ends before takes the
  // container back: it is killed and forgotten.
  kHoldContainer = 11,
  kProceed = 12,  // nothing

  // answers
  kDone = 32,    // what the request's line says
  kFailed = 33,  // u8 ErrorCode, text message

  // events
  kState = 48,    // ChildState
  kRemoved = 49,  // text id
  kSynced = 50,   // nothing

  // streams, to the monitor
  kStdin = 64,         // the rest of the message
  kCloseStdin = 65,    // nothing
  kResize = 66,        // u16 columns, u16 rows
  kStreamSignal = 67,  // i32 signal; to the exec's process

  // streams, from the monitor
  kStdout = 80,   // the rest of the message
  kStderr = 81,   // the rest of the message
  kDropped = 82,  // u64 bytes which an attached client was too slow to get
  kExited = 83,   // ChildState; the last message
};

// Where a child's output goes, in the format of CRI logs: `<RFC3339Nano> stdout|stderr F|P text`.
struct LogOptions {
  std::string path;  // empty: the output is thrown away
  // At this size the file becomes path.1, an older path.1 becomes path.2 and so on.
  uint64_t size_limit_bytes = 10 << 20;
  uint32_t file_limit = 5;  // how many files there may be, `path` counted
};

// A container, started through an OCI runtime.
struct ContainerStart {
  std::string id;
  // For example: runc --root R create --bundle B --pid-file P [--console-socket S] ID. What the
  // runtime prints before it ends is not the container's output: it is the error's text.
  std::vector<std::string> create_argv;
  std::vector<std::string> start_argv;  // runc --root R start ID
  std::string pid_file;                 // P, as in create_argv
  // S, as in create_argv, at most 107 bytes; the monitor listens there. Empty: no terminal.
  std::string console_socket;
  LogOptions log;
  bool stdin_open = false;  // else stdin is /dev/null; with a terminal stdin is always open
  bool stdin_once = false;  // stdin ends with the first attached client that closes its own
  // cgroup v1: .../memory.oom_control, v2: .../memory.events of the container. Empty: not watched.
  std::string oom_counter_file;
  uint32_t timeout_ms = 60'000;  // for create and start together
};

// A process, started by the monitor itself.
struct ProcessStart {
  std::string id;
  std::vector<std::string> argv;
  std::vector<std::string> env;  // K=V, the whole of it
  // Files that the child writes its pid to before it becomes the program (cgroup.procs).
  std::vector<std::string> cgroup_procs_files;
  std::string network_namespace;  // path; empty: the monitor's
  LogOptions log;
  bool stdin_open = false;
  bool stdin_once = false;
  bool terminal = false;
  std::string oom_counter_file;
};

// A command in a running container, through an OCI runtime.
struct ExecStart {
  // Must detach, so that the process becomes the monitor's own child, for example: runc --root R
  // exec --detach --process F --pid-file P [--console-socket S] ID. Without a terminal what the
  // runtime prints is stderr's.
  std::vector<std::string> argv;
  std::string pid_file;        // P, as in argv
  std::string console_socket;  // S, as in argv; empty: no terminal
  bool stdin_open = false;
  uint32_t timeout_ms = 60'000;  // for the runtime to start the process
};

enum class ChildPhase : uint8_t {
  kStarting = 1,
  kRunning = 2,
  kExited = 3,
};

// What the monitor knows of a child. Also the content of <directory>/exits/<id>.
struct ChildState {
  std::string id;
  ChildPhase phase = ChildPhase::kStarting;
  int32_t pid = 0;          // of the first process, in the monitor's pid namespace
  int32_t exit_code = 0;    // kExited: 0 to 255; 128 + signal
  int32_t signal = 0;       // which ended it; 0: it exited by itself
  bool oom_killed = false;  // the kernel's count of OOM kills in its cgroup grew meanwhile
  int64_t started_ns = 0;   // since 1970
  int64_t finished_ns = 0;

  bool operator==(const ChildState&) const = default;
};

struct MonitorInfo {
  uint32_t version = kProtocolVersion;
  int32_t pid = 0;
};

// Whether `id` may name a child.
bool valid_id(std::string_view id);

// Messages as bytes, type included. The decoders take what follows the type.
std::string encode(MessageType type);
std::string encode(MessageType type, std::string_view id);
std::string encode(MessageType type, std::string_view id, int32_t signal);
std::string encode(MessageType type, const ContainerStart& start);
std::string encode(const ProcessStart& start);
std::string encode(const ExecStart& start);
std::string encode(MessageType type, const ChildState& state);
std::string encode(const MonitorInfo& info);
std::string encode(const Error& error);

Result<ContainerStart> decode_container_start(std::string_view bytes);
Result<ProcessStart> decode_process_start(std::string_view bytes);
Result<ExecStart> decode_exec_start(std::string_view bytes);
Result<ChildState> decode_child_state(std::string_view bytes);
Result<MonitorInfo> decode_monitor_info(std::string_view bytes);
Result<std::string> decode_id(std::string_view bytes);
struct SignalRequest {
  std::string id;
  int32_t signal = 0;
};
Result<SignalRequest> decode_signal(std::string_view bytes);
// The error that a kFailed message carries.
Error decode_failure(std::string_view bytes);

}  // namespace duet::monitor
