#include "gateway/guest_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "sys/clock.h"
#include "sys/file.h"

namespace duet::gateway {
namespace {

constexpr std::int64_t kDelayNs = 100'000'000;

}  // namespace

GuestLog::GuestLog(net::EventLoop& loop, std::string path) : loop_(loop), path_(std::move(path)) {}

void GuestLog::write(bool error_stream, std::string_view text, bool whole_line) {
  if (path_.empty()) {
    return;
  }
  if (buffer_.size() + text.size() > kBufferBytes) {
    flush();
    if (buffer_.size() + text.size() > kBufferBytes) {
      ++dropped_;
      return;
    }
  }
  buffer_.append(sys::format_rfc3339_nano(loop_.clock().now()))
      .append(error_stream ? " stderr " : " stdout ")
      .append(whole_line ? "F " : "P ")
      .append(text)
      .append("\n");
  if (!timer_.armed()) {
    loop_.set_timer(timer_, kDelayNs);
  }
}

// Writes, and closes the file when nothing came since the last time: so a rotated file is let go
// soon.
void GuestLog::on_timer() {
  if (buffer_.empty()) {
    fd_.reset();
    return;
  }
  flush();
  loop_.set_timer(timer_, kDelayNs);
}

void GuestLog::flush() {
  if (buffer_.empty()) {
    return;
  }
  if (!fd_.valid()) {
    auto opened =
        sys::open_file(path_, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOFOLLOW, 0640);
    if (!opened.ok()) {
      ++dropped_;
      buffer_.clear();
      return;
    }
    fd_ = std::move(*opened);
  }
  ssize_t written = 0;
  do {
    written = ::write(fd_.get(), buffer_.data(), buffer_.size());
  } while (written < 0 && errno == EINTR);
  if (written > 0) {
    buffer_.erase(0, static_cast<std::size_t>(written));
  }
}

LineCutter::~LineCutter() {
  if (!rest_.empty()) {
    log_.write(error_stream_, rest_, true);
  }
}

void LineCutter::write(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    rest_ += text.substr(0, end);
    while (rest_.size() > GuestLog::kLineBytes) {
      log_.write(error_stream_, std::string_view(rest_).substr(0, GuestLog::kLineBytes), false);
      rest_.erase(0, GuestLog::kLineBytes);
    }
    if (end == std::string_view::npos) {
      return;
    }
    log_.write(error_stream_, rest_, true);
    rest_.clear();
    text.remove_prefix(end + 1);
  }
}

}  // namespace duet::gateway
