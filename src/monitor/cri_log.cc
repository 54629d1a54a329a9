#include "monitor/cri_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "sys/file.h"

namespace duet::monitor {

Result<CriLog> CriLog::open(const LogOptions& options) {
  CriLog log(options);
  DUET_TRY(log.reopen());
  return log;
}

Status CriLog::reopen() {
  if (options_.path.empty()) {
    return {};
  }
  DUET_ASSIGN(sys::Fd file,
              sys::open_file(options_.path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0640));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) {
    return Error::from_errno(options_.path, errno);
  }
  file_ = std::move(file);
  size_bytes_ = static_cast<uint64_t>(status.st_size);
  return {};
}

void CriLog::write(OutputStream stream, std::string_view data, sys::WallTime time) {
  if (!file_.valid() || data.empty()) {
    return;
  }
  prepare_prefixes(stream, time);
  std::string& unfinished = unfinished_[static_cast<size_t>(stream)];
  std::string head = std::move(unfinished);  // lives until the flush below
  std::string_view first = head;
  unfinished.clear();
  while (!data.empty()) {
    const size_t newline = data.find('\n');
    const size_t space = kLogPartBytes - first.size();
    if (newline != std::string_view::npos && newline <= space) {
      add_line(true, first, data.substr(0, newline));
      data.remove_prefix(newline + 1);
    } else if (data.size() >= space) {
      add_line(false, first, data.substr(0, space));
      data.remove_prefix(space);
    } else {
      unfinished.reserve(first.size() + data.size());
      unfinished.append(first).append(data);
      break;
    }
    first = {};
  }
  flush();
}

void CriLog::finish(OutputStream stream, sys::WallTime time) {
  std::string& unfinished = unfinished_[static_cast<size_t>(stream)];
  if (unfinished.empty()) {
    return;
  }
  prepare_prefixes(stream, time);
  add_line(true, unfinished, {});
  flush();
  unfinished = std::string();
}

void CriLog::prepare_prefixes(OutputStream stream, sys::WallTime time) {
  full_prefix_ = sys::format_rfc3339_nano(time);
  full_prefix_ += stream == OutputStream::kStdout ? " stdout " : " stderr ";
  partial_prefix_ = full_prefix_;
  full_prefix_ += "F ";
  partial_prefix_ += "P ";
}

void CriLog::add_line(bool full, std::string_view first, std::string_view second) {
  if (vector_count_ + kVectorsPerLine > kVectorLimit) {
    flush();
  }
  add(full ? full_prefix_ : partial_prefix_);
  add(first);
  add(second);
  add("\n");
}

void CriLog::add(std::string_view text) {
  if (!text.empty()) {
    vectors_[vector_count_++] = {const_cast<char*>(text.data()), text.size()};
    vector_bytes_ += text.size();
  }
}

void CriLog::flush() {
  if (vector_count_ == 0) {
    return;
  }
  if (size_bytes_ > 0 && size_bytes_ + vector_bytes_ > options_.size_limit_bytes) {
    rotate();
  }
  ssize_t put = -1;
  do {
    put = ::writev(file_.get(), vectors_.data(), static_cast<int>(vector_count_));
  } while (put < 0 && errno == EINTR);
  if (put >= 0 && static_cast<size_t>(put) == vector_bytes_) {
    size_bytes_ += vector_bytes_;
  } else {
    // Half a line would spoil the next one.
    [[maybe_unused]] const int cut = ::ftruncate(file_.get(), static_cast<off_t>(size_bytes_));
    dropped_bytes_ += vector_bytes_;
  }
  vector_count_ = 0;
  vector_bytes_ = 0;
}

void CriLog::rotate() {
  const auto numbered = [this](uint32_t n) {
    return n == 0 ? options_.path : options_.path + "." + std::to_string(n);
  };
  const uint32_t last = std::max<uint32_t>(options_.file_limit, 1) - 1;
  if (last == 0) {
    ::unlink(options_.path.c_str());
  }
  for (uint32_t n = last; n > 0; --n) {
    ::rename(numbered(n - 1).c_str(), numbered(n).c_str());
  }
  // If the new file cannot be opened, the old one goes on under its new name.
  [[maybe_unused]] const Status status = reopen();
}

}  // namespace duet::monitor
