#pragma once

#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "monitor/protocol.h"
#include "sys/clock.h"
#include "sys/fd.h"

namespace duet::monitor {

enum class OutputStream : uint8_t { kStdout = 0, kStderr = 1 };

// Longer lines are cut into parts of this size, all but the last marked P (kubelet's CRI log
// format, k8s.io/kubernetes pkg/kubelet/kuberuntime/logs).
inline constexpr size_t kLogPartBytes = 16 << 10;

// A child's log file. Writes straight from the caller's bytes, keeps at most one unfinished part a
// stream, and rotates at line ends. Output that the disk does not take is counted and dropped: a
// full disk must not stop a container. Not thread-safe.
class CriLog {
 public:
  // Opens or continues options.path; with an empty path nothing is ever written.
  static Result<CriLog> open(const LogOptions& options);

  // Logs `data` as it was read from `stream` at `time`.
  void write(OutputStream stream, std::string_view data, sys::WallTime time);
  // Writes an unfinished last line; at the end of a stream.
  void finish(OutputStream stream, sys::WallTime time);
  // Opens the path again, after somebody else moved the file.
  Status reopen();

  uint64_t dropped_bytes() const { return dropped_bytes_; }

 private:
  static constexpr size_t kVectorLimit = 128;
  static constexpr size_t kVectorsPerLine = 4;

  explicit CriLog(LogOptions options) : options_(std::move(options)) {}

  void prepare_prefixes(OutputStream stream, sys::WallTime time);
  void add_line(bool full, std::string_view first, std::string_view second);
  void add(std::string_view text);
  void flush();
  void rotate();

  LogOptions options_;
  sys::Fd file_;
  uint64_t size_bytes_ = 0;
  uint64_t dropped_bytes_ = 0;
  std::array<std::string, 2> unfinished_;  // by stream, each below kLogPartBytes

  // The lines that the next flush writes; they point into the caller's bytes.
  std::array<iovec, kVectorLimit> vectors_{};
  size_t vector_count_ = 0;
  size_t vector_bytes_ = 0;
  std::string full_prefix_;
  std::string partial_prefix_;
};

}  // namespace duet::monitor
