#include "pod/images.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "oci/reference.h"

namespace duet::pod {

namespace {

struct Entry {
  enum class Phase { kQueued, kWorking, kReady, kFailed };
  Phase phase = Phase::kQueued;
  std::shared_ptr<const ReadyImage> ready;
  std::string revision;  // of the names, when it was looked for
  ImageWait wait;
  int failures = 0;
  sys::MonotonicTime retry_at;
  std::vector<std::function<void()>> waiting;
};

class ThreadedImages final : public Images {
 public:
  ThreadedImages(PrepareImage prepare, const sys::Clock& clock, ImagesOptions options)
      : prepare_(std::move(prepare)), clock_(clock), options_(std::move(options)) {
    for (int i = 0; i < options_.worker_limit; ++i) {
      threads_.emplace_back([this] { work(ImageSource::kStore); });
    }
    for (int i = 0; i < options_.pull_limit; ++i) {
      threads_.emplace_back([this] { work(ImageSource::kRegistry); });
    }
  }

  ~ThreadedImages() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    stop_.request_stop();
    changed_.notify_all();
    for (auto& thread : threads_) {
      thread.join();
    }
  }

  ImageState ensure(const ImageRequest& request, std::function<void()> done) override {
    const std::lock_guard lock(mutex_);
    auto found = entries_.find(request);
    if (found == entries_.end()) {
      if (entries_.size() >= options_.request_limit) {
        return {nullptr,
                {"ErrImagePull", "more than " + std::to_string(options_.request_limit) +
                                     " different images are asked for"}};
      }
      found = entries_.emplace(request, Entry()).first;
      queue(found->first);
    }
    Entry& entry = found->second;
    const bool over = entry.phase == Entry::Phase::kFailed && clock_.monotonic() >= entry.retry_at;
    if (over) {
      entry.phase = Entry::Phase::kQueued;
      queue(found->first);
    }
    if (entry.phase == Entry::Phase::kQueued || entry.phase == Entry::Phase::kWorking) {
      entry.waiting.push_back(std::move(done));
    }
    return state_of(entry);
  }

  std::optional<ImageState> find(const ImageRequest& request) const override {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(request);
    return found == entries_.end() ? std::nullopt : std::optional(state_of(found->second));
  }

  void forget(const ImageRequest& request) override {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(request);
    if (found != entries_.end() && found->second.phase == Entry::Phase::kReady) {
      entries_.erase(found);
    }
  }

  void refresh(const ImageRequest& request) override {
    const std::string now = revision();
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(request);
    if (found != entries_.end() && found->second.phase == Entry::Phase::kReady &&
        found->second.revision != now) {
      entries_.erase(found);
    }
  }

 private:
  static ImageState state_of(const Entry& entry) {
    if (entry.phase == Entry::Phase::kReady) {
      return {entry.ready, {}};
    }
    if (entry.wait.reason.empty()) {
      return {nullptr, {"ContainerCreating", ""}};
    }
    return {nullptr, entry.wait};
  }

  std::string revision() const { return options_.revision ? options_.revision() : ""; }

  void queue(const ImageRequest& request, ImageSource source = ImageSource::kStore) {
    queues_[source].push_back(request);
    changed_.notify_all();
  }

  // Each source has threads of its own: a registry that does not answer holds up nothing that is
  // here.
  void work(ImageSource source) {
    std::unique_lock lock(mutex_);
    auto& queue_here = queues_[source];
    for (;;) {
      changed_.wait(lock, [&] { return stopping_ || !queue_here.empty(); });
      if (stopping_) {
        return;
      }
      const ImageRequest request = queue_here.front();
      queue_here.pop_front();
      entries_[request].phase = Entry::Phase::kWorking;
      lock.unlock();
      const std::string before = revision();
      auto result = prepare_(request, source, stop_.get_token());
      lock.lock();
      entries_[request].revision = before;
      if (result.ok() && !result->has_value() && source == ImageSource::kStore) {
        queue(request, ImageSource::kRegistry);
      } else {
        settle(request, result, lock);
      }
    }
  }

  // Stores the outcome and tells everybody who waited, without the lock.
  void settle(const ImageRequest& request, Result<std::optional<ReadyImage>>& result,
              std::unique_lock<std::mutex>& lock) {
    Entry& entry = entries_[request];
    if (result.ok() && result->has_value()) {
      entry.phase = Entry::Phase::kReady;
      entry.ready = std::make_shared<const ReadyImage>(std::move(**result));
      entry.wait = {};
      entry.failures = 0;
    } else {
      entry.phase = Entry::Phase::kFailed;
      entry.wait = image_wait_of(
          request, result.ok() ? not_found("image " + request.reference) : result.error());
      if (entry.failures > 0 && entry.wait.reason == "ErrImagePull") {
        entry.wait.reason = "ImagePullBackOff";
        entry.wait.message =
            "Back-off pulling image \"" + request.reference + "\": " + entry.wait.message;
      }
      const int64_t delay = options_.backoff_first_ms << std::min(entry.failures, 16);
      entry.retry_at = clock_.monotonic() +
                       std::chrono::milliseconds(std::min(delay, options_.backoff_limit_ms));
      ++entry.failures;
    }
    auto waiting = std::move(entry.waiting);
    entry.waiting.clear();
    lock.unlock();
    for (const auto& done : waiting) {
      done();
    }
    lock.lock();
  }

  PrepareImage prepare_;
  const sys::Clock& clock_;
  ImagesOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<ImageRequest, Entry> entries_;
  std::map<ImageSource, std::deque<ImageRequest>> queues_;
  bool stopping_ = false;
  std::stop_source stop_;
  std::vector<std::thread> threads_;
};

}  // namespace

ImageWait image_wait_of(const ImageRequest& request, const Error& error) {
  switch (error.code()) {
    case ErrorCode::kInvalid:
      if (!oci::parse_reference(request.reference).ok()) {
        return {"InvalidImageName", error.message()};
      }
      // The image was read, and what is in it is wrong.
      return {error.message().starts_with("module") ? "CreateContainerError" : "ErrImagePull",
              error.message()};
    case ErrorCode::kNotFound:
      if (request.pull_policy == "Never") {
        return {"ErrImageNeverPull", "Container image \"" + request.reference +
                                         "\" is not present with pull policy of Never"};
      }
      return {"ErrImagePull", error.message()};
    default:
      return {"ErrImagePull", error.message()};
  }
}

std::unique_ptr<Images> Images::start(PrepareImage prepare, const sys::Clock& clock,
                                      ImagesOptions options) {
  return std::make_unique<ThreadedImages>(std::move(prepare), clock, std::move(options));
}

}  // namespace duet::pod
