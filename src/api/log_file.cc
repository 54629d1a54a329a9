#include "api/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "api/cri_line.h"
#include "sys/file.h"
#include "sys/rfc3339.h"

namespace duet::api {
namespace {

constexpr size_t kPieceBytes = 64 << 10;
constexpr size_t kLineBytes = 1 << 20;  // of a line in the file; longer ones are passed on in parts

// Whether the line that ends before `end` in `text` is the end of a line of the log, not a part.
bool ends_log_line(std::string_view line) {
  const auto parsed = parse_cri_line(line);
  return !parsed || !parsed->partial;
}

// The offset where the last `lines` lines of the log begin. Reads backwards, a piece at a time.
Result<off_t> tail_offset(int fd, int64_t lines) {
  const off_t size = lseek(fd, 0, SEEK_END);
  if (size < 0) {
    return Error::from_errno("seek in the log", errno);
  }
  off_t at = size;
  int64_t found = 0;
  off_t begin = size;   // of the oldest line that counts
  std::string carried;  // the start of the line whose beginning was not read yet
  while (at > 0) {
    const size_t want = static_cast<size_t>(std::min<off_t>(at, kPieceBytes));
    std::string piece(want, '\0');
    const ssize_t got = pread(fd, piece.data(), want, at - static_cast<off_t>(want));
    if (got != static_cast<ssize_t>(want)) {
      return internal("the log changed while it was read");
    }
    at -= static_cast<off_t>(want);
    piece += carried;
    // From the back: every line that begins after a line end within the piece.
    size_t end = piece.size();
    while (end > 0) {
      const size_t search_from = piece[end - 1] == '\n' && end >= 2 ? end - 2 : end - 1;
      const size_t newline =
          end >= 2 || piece[end - 1] != '\n' ? piece.rfind('\n', search_from) : std::string::npos;
      if (newline == std::string::npos) {
        break;
      }
      std::string_view line = std::string_view(piece).substr(newline + 1, end - newline - 1);
      if (line.ends_with('\n')) {
        line.remove_suffix(1);
      }
      if (ends_log_line(line) && ++found > lines) {
        return begin;
      }
      begin = at + static_cast<off_t>(newline) + 1;
      end = newline + 1;
    }
    carried = piece.substr(0, end);
    if (carried.size() > kLineBytes) {
      return at;
    }
  }
  if (!carried.empty()) {
    std::string_view line = carried;
    line.remove_suffix(line.ends_with('\n') ? 1 : 0);
    if (ends_log_line(line) && ++found > lines) {
      return begin;
    }
  }
  return off_t{0};
}

}  // namespace

Result<LogFile> LogFile::open(const std::string& path, const LogSelection& selection) {
  DUET_ASSIGN(sys::Fd file, sys::open_file(path, O_RDONLY));
  if (selection.tail_lines) {
    DUET_ASSIGN(const off_t start,
                tail_offset(file.get(), std::max<int64_t>(0, *selection.tail_lines)));
    lseek(file.get(), start, SEEK_SET);
  }
  return LogFile(path, std::move(file), selection);
}

bool LogFile::replaced() const {
  struct stat own{};
  struct stat named{};
  return fstat(file_.get(), &own) == 0 && stat(path_.c_str(), &named) == 0 &&
         (own.st_ino != named.st_ino || own.st_dev != named.st_dev);
}

Status LogFile::read_on(const std::function<Status(std::string_view)>& sink) {
  while (!full_) {
    // Looked at before reading: what the old file gets until it is replaced is read first.
    const bool was_replaced = replaced();
    DUET_TRY(read_present(sink));
    if (!was_replaced || full_) {
      return {};
    }
    DUET_ASSIGN(file_, sys::open_file(path_, O_RDONLY));
    rest_.clear();
  }
  return {};
}

Status LogFile::read_present(const std::function<Status(std::string_view)>& sink) {
  std::string buffer(kPieceBytes, '\0');
  while (!full_) {
    const ssize_t got = read(file_.get(), buffer.data(), buffer.size());
    if (got < 0) {
      return Error::from_errno("read " + path_, errno);
    }
    if (got == 0) {
      return {};
    }
    rest_.append(buffer, 0, static_cast<size_t>(got));
    std::string out;
    size_t start = 0;
    for (size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', start)) {
      add_line(std::string_view(rest_).substr(start, end - start), out);
      start = end + 1;
    }
    rest_.erase(0, start);
    if (rest_.size() > kLineBytes) {
      out += rest_;
      rest_.clear();
    }
    if (!out.empty()) {
      DUET_TRY(sink(out));
    }
  }
  return {};
}

void LogFile::add_line(std::string_view line, std::string& out) {
  if (full_) {
    return;
  }
  const size_t before = out.size();
  const auto parsed = parse_cri_line(line);
  if (!parsed) {
    out.append(line).append("\n");
  } else {
    if (selection_.since) {
      const auto time = sys::parse_rfc3339(std::string(parsed->time));
      if (time && *time < *selection_.since) {
        return;
      }
      selection_.since.reset();  // the lines stand in the order of time
    }
    if (selection_.timestamps && !inside_) {
      out.append(parsed->time).append(" ");
    }
    out.append(parsed->text);
    inside_ = parsed->partial;
    if (!inside_) {
      out += '\n';
    }
  }
  given_bytes_ += static_cast<int64_t>(out.size() - before);
  if (selection_.limit_bytes && given_bytes_ >= *selection_.limit_bytes) {
    out.resize(out.size() - static_cast<size_t>(given_bytes_ - *selection_.limit_bytes));
    full_ = true;
  }
}

}  // namespace duet::api
