#include "cli/image_options.h"

#include <unistd.h>

#include <cstdio>

#include "sys/file.h"

namespace duet::cli {
namespace {

constexpr int kBarWidth = 30;

// How a pull is shown while it goes on.
class PullView {
 public:
  explicit PullView(std::string reference)
      : reference_(std::move(reference)), terminal_(isatty(2) == 1) {
    if (!terminal_) {
      std::fprintf(stderr, "Pulling %s\n", reference_.c_str());
    }
  }

  void show(const oci::PullProgress& progress) {
    if (!progress.message.empty()) {
      std::fprintf(stderr, "%s%s\n", terminal_ ? "\r\033[K" : "", progress.message.c_str());
    }
    if (terminal_) {
      draw(progress);
    }
  }

  void finish() const {
    if (terminal_) {
      std::fputs("\r\033[K", stderr);
    }
  }

 private:
  void draw(const oci::PullProgress& progress) const {
    const int64_t total = progress.total_bytes;
    const int filled =
        total > 0 ? static_cast<int>(std::min(total, progress.done_bytes) * kBarWidth / total) : 0;
    const std::string bar = std::string(static_cast<size_t>(filled), '#') +
                            std::string(static_cast<size_t>(kBarWidth - filled), '.');
    std::fprintf(stderr, "\r\033[K%s [%s] %s", reference_.c_str(), bar.c_str(),
                 human_size(progress.done_bytes).c_str());
    if (total > 0) {
      std::fprintf(stderr, " of %s", human_size(total).c_str());
    }
    std::fflush(stderr);
  }

  std::string reference_;
  bool terminal_;
};

}  // namespace

std::string human_size(int64_t bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1000 && unit + 1 < std::size(kUnits)) {
    value /= 1000;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof(text), unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value,
                kUnits[unit]);
  return text;
}

Error command_error(const Error& error) { return Error(error.code(), "error: " + error.message()); }

Result<oci::ContentStore> open_images(const Invocation& invocation) {
  const std::string path = invocation.paths().images();
  const std::string folder = path.substr(0, path.rfind('/'));
  if (const Status made = sys::make_directories(folder, 0755); !made.ok()) {
    return command_error(made.error());
  }
  auto store = oci::ContentStore::open(path);
  return store.ok() ? std::move(store) : command_error(store.error());
}

oci::PullOptions pull_options(const Invocation& invocation) {
  oci::PullOptions options;
  options.plain_http_registries = invocation.values("plain-http");
  options.auth_file = invocation.value("auth-file");
  options.ca_file = invocation.value("ca-file");
  return options;
}

Result<oci::Image> pull_with_progress(oci::ContentStore& store, const std::string& reference,
                                      const oci::PullOptions& options) {
  PullView view(reference);
  auto image = oci::pull(store, reference, options,
                         [&](const oci::PullProgress& progress) { view.show(progress); });
  view.finish();
  return image.ok() ? std::move(image) : command_error(image.error());
}

Result<oci::Image> resolve_or_pull(oci::ContentStore& store, const std::string& reference,
                                   const oci::PullOptions& options) {
  auto image = store.resolve(reference, options.wanted);
  if (image.ok()) {
    return image;
  }
  return image.error().code() == ErrorCode::kNotFound
             ? pull_with_progress(store, reference, options)
             : Result<oci::Image>(command_error(image.error()));
}

}  // namespace duet::cli
