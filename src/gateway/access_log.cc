#include "gateway/access_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "sys/clock.h"

namespace duet::gateway {
namespace {

constexpr std::int64_t kFlushDelayNs = 200'000'000;
constexpr std::int64_t kNsPerSecond = 1'000'000'000;

void append_escaped(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += c;
    } else if (byte >= 0x20 && byte < 0x7f) {
      out += c;
    } else {  // control bytes, and bytes that may not be UTF-8
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
}

}  // namespace

AccessLog::AccessLog(net::EventLoop& loop) : loop_(loop) {}

void AccessLog::open(sys::Fd fd) {
  flush();
  buffer_.clear();
  fd_ = std::move(fd);
  struct stat info{};
  if (fd_.valid() && fstat(fd_.get(), &info) == 0 && !S_ISREG(info.st_mode)) {
    fcntl(fd_.get(), F_SETFL, fcntl(fd_.get(), F_GETFL) | O_NONBLOCK);
  }
}

// "2026-01-31T12:00:00.123456Z": the date is formatted once a second.
void AccessLog::stamp() {
  const std::int64_t now_ns =
      std::chrono::duration_cast<std::chrono::nanoseconds>(loop_.clock().now().time_since_epoch())
          .count();
  const std::int64_t second = now_ns / kNsPerSecond;
  if (second != stamp_second_) {
    stamp_second_ = second;
    stamp_ = sys::format_rfc3339(sys::WallTime(std::chrono::seconds(second)));
    stamp_.pop_back();
  }
  char digits[8];
  std::int64_t micros = now_ns % kNsPerSecond / 1000;
  for (int i = 6; i > 0; --i) {
    digits[i] = static_cast<char>('0' + micros % 10);
    micros /= 10;
  }
  digits[0] = '.';
  digits[7] = 'Z';
  buffer_.append("{\"time\":\"").append(stamp_).append(digits, sizeof(digits)).append("\"");
}

void AccessLog::number(std::string_view key, std::uint64_t value) {
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value);
  buffer_.append(",\"").append(key).append("\":").append(digits, end);
}

void AccessLog::text(std::string_view key, std::string_view value, std::size_t limit_bytes) {
  buffer_.append(",\"").append(key).append("\":\"");
  append_escaped(buffer_, value.substr(0, limit_bytes));
  buffer_ += '"';
}

void AccessLog::write(const AccessRecord& record) {
  constexpr std::size_t kEscaped = 6;  // bytes that one byte may take
  if (!fd_.valid()) {
    return;
  }
  if (buffer_.size() + kLineBytes > kBufferBytes) {
    flush();
    if (buffer_.size() + kLineBytes > kBufferBytes) {
      ++dropped_;
      return;
    }
  }
  stamp();
  text("client", record.client, 64);
  text("method", record.method, 32);
  text("host", record.host, 1024 / kEscaped);
  text("path", record.path, 1024 / kEscaped);
  number("status", static_cast<std::uint64_t>(record.status));
  number("bytes_in", record.bytes_in);
  number("bytes_out", record.bytes_out);
  number("duration_us", static_cast<std::uint64_t>(record.duration_ns / 1000));
  if (!record.route.empty()) {
    text("route", record.route, 256);
  }
  if (!record.backend.empty()) {
    text("backend", record.backend, 256);
  }
  if (!record.reason.empty()) {
    text("reason", record.reason, 64);
  }
  if (!record.detail.empty()) {
    text("detail", record.detail, 512 / kEscaped);
  }
  if (record.cpu_ns > 0) {
    number("cpu_us", static_cast<std::uint64_t>(record.cpu_ns / 1000));
    number("memory_bytes", record.peak_memory_bytes);
  }
  if (record.outgoing > 0) {
    number("outgoing", record.outgoing);
    number("outgoing_bytes", record.outgoing_bytes);
  }
  if (record.cold) {
    buffer_.append(",\"cold\":true");
  }
  if (record.retries > 0) {
    number("retries", record.retries);
    text("retry_reason", record.retry_reason, 64);
  }
  if (dropped_ != dropped_told_) {
    number("lines_dropped_before", dropped_ - dropped_told_);
    dropped_told_ = dropped_;
  }
  buffer_.append("}\n");
  if (buffer_.size() > kBufferBytes / 2) {
    flush();
  } else if (!timer_.armed()) {
    loop_.set_timer(timer_, kFlushDelayNs);
  }
}

void AccessLog::flush() {
  while (!buffer_.empty() && fd_.valid()) {
    const ssize_t written = ::write(fd_.get(), buffer_.data(), buffer_.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      loop_.set_timer(timer_, kFlushDelayNs);  // the log may take it later
      return;
    }
    buffer_.erase(0, static_cast<std::size_t>(written));
  }
}

}  // namespace duet::gateway
