#include "sys/directory_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace duet::sys {
namespace {

constexpr uint32_t kMask = IN_CREATE | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM |
                           IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB | IN_ONLYDIR;

// True if `events` hold more than the word that a watch of ours was taken away.
bool holds_news(const char* events, size_t size) {
  while (size >= sizeof(inotify_event)) {
    const auto* event = reinterpret_cast<const inotify_event*>(events);
    if (event->mask != IN_IGNORED) {
      return true;
    }
    const size_t step = sizeof(inotify_event) + event->len;
    if (step > size) {
      return true;
    }
    events += step;
    size -= step;
  }
  return false;
}

}  // namespace

Result<DirectoryWatch> DirectoryWatch::open() {
  Fd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd.valid()) {
    return Error::from_errno("inotify", errno);
  }
  return DirectoryWatch(std::move(fd));
}

void DirectoryWatch::begin_round() { added_.clear(); }

Status DirectoryWatch::add(const std::string& path) {
  const int watch = ::inotify_add_watch(fd_.get(), path.c_str(), kMask);
  if (watch < 0) {
    return Error::from_errno("watch " + path, errno);
  }
  added_.insert(watch);
  return {};
}

void DirectoryWatch::end_round() {
  for (const int watch : watches_) {
    if (!added_.contains(watch)) {
      ::inotify_rm_watch(fd_.get(), watch);  // fails if its folder is gone: fine
    }
  }
  watches_ = added_;
}

bool DirectoryWatch::drain() {
  alignas(inotify_event) std::array<char, 16'384> buffer;
  bool news = false;
  while (true) {
    const ssize_t count = ::read(fd_.get(), buffer.data(), buffer.size());
    if (count <= 0) {
      if (count < 0 && errno == EINTR) {
        continue;
      }
      return news;
    }
    news = news || holds_news(buffer.data(), static_cast<size_t>(count));
  }
}

}  // namespace duet::sys
