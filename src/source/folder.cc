#include "source/folder.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "source/folder_sync.h"
#include "source/manifest_files.h"
#include "sys/directory_watch.h"

namespace duet::source {
namespace {

using Clock = std::chrono::steady_clock;

class FolderThread final : public FolderSource {
 public:
  FolderThread(store::Store& store, FolderOptions options, Report report, sys::DirectoryWatch watch,
               sys::Fd stop)
      : options_(std::move(options)),
        report_(std::move(report)),
        sync_(store, options_),
        watch_(std::move(watch)),
        stop_(std::move(stop)),
        thread_([this] { run(); }) {}

  ~FolderThread() override {
    const uint64_t one = 1;
    // An eventfd that nobody filled up takes it.
    (void)!::write(stop_.get(), &one, sizeof one);
    thread_.join();
  }

 private:
  enum class Wake { kStop, kChange, kTime };

  void run() {
    while (true) {
      const int64_t pause_ms = look() ? options_.retry_ms : options_.rescan_ms;
      const Wake wake = wait(pause_ms);
      if (wake == Wake::kStop || (wake == Wake::kChange && settle() == Wake::kStop)) {
        return;
      }
    }
  }

  // One look at the files. True: something is waited for.
  bool look() {
    watch_.drain();
    watch_.begin_round();
    Status unwatched;
    const ManifestFiles scanned = [&] {
      ManifestFiles files =
          scan_manifest_files(options_.paths,
                              {options_.file_limit, options_.total_size_bytes, options_.depth_limit,
                               options_.size_bytes},
                              [&](const std::string& folder) {
                                const Status added = watch_.add(folder);
                                // A folder that is gone is the scan's to tell.
                                if (!added.ok() && added.error().code() != ErrorCode::kNotFound) {
                                  unwatched = added;
                                }
                              });
      if (!unwatched.ok()) {
        files.problems.push_back(cannot_watch(unwatched.error()));
      }
      return files;
    }();
    watch_.end_round();
    FolderSync::Outcome outcome = sync_.run(scanned);
    if (outcome.news) {
      report_(outcome.report);
    }
    return outcome.waits;
  }

  object::Problem cannot_watch(const Error& error) const {
    object::Problem problem;
    problem.severity = object::Problem::Severity::kWarning;
    problem.message = error.message() + "; changes are seen within " +
                      std::to_string(options_.rescan_ms / 1000) +
                      " s (raise fs.inotify.max_user_watches)";
    return problem;
  }

  // Waits until the files were silent for a while, so that nothing half-written is read.
  Wake settle() {
    const auto end = Clock::now() + std::chrono::milliseconds(options_.debounce_limit_ms);
    while (Clock::now() < end) {
      watch_.drain();
      const Wake wake = wait(options_.debounce_ms);
      if (wake != Wake::kChange) {
        return wake;
      }
    }
    return Wake::kTime;
  }

  Wake wait(int64_t timeout_ms) {
    const auto end = Clock::now() + std::chrono::milliseconds(timeout_ms);
    pollfd fds[2] = {{stop_.get(), POLLIN, 0}, {watch_.fd(), POLLIN, 0}};
    while (true) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
      const int count = ::poll(fds, 2, static_cast<int>(std::clamp<int64_t>(left, 0, 1 << 30)));
      if (count < 0 && errno == EINTR) {
        continue;
      }
      if ((fds[0].revents & POLLIN) != 0) {
        return Wake::kStop;
      }
      if (count <= 0) {
        return Wake::kTime;
      }
      // The end of our own watches is no news.
      if (watch_.drain()) {
        return Wake::kChange;
      }
    }
  }

  const FolderOptions options_;
  const Report report_;
  FolderSync sync_;
  sys::DirectoryWatch watch_;
  const sys::Fd stop_;
  std::thread thread_;
};

}  // namespace

bool FolderReport::has_errors() const {
  return std::any_of(changes.begin(), changes.end(), [](const FolderChange& change) {
    return change.type == FolderChange::Type::kProblem &&
           change.problem.severity == object::Problem::Severity::kError;
  });
}

Result<std::unique_ptr<FolderSource>> FolderSource::start(store::Store& store,
                                                          FolderOptions options, Report report) {
  if (options.paths.empty()) {
    return invalid("no files or folders of manifests were named");
  }
  DUET_ASSIGN(sys::DirectoryWatch watch, sys::DirectoryWatch::open());
  sys::Fd stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop.valid()) {
    return Error::from_errno("eventfd", errno);
  }
  return std::unique_ptr<FolderSource>(std::make_unique<FolderThread>(
      store, std::move(options), std::move(report), std::move(watch), std::move(stop)));
}

}  // namespace duet::source
