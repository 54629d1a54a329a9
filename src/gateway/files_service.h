#pragma once

#include <memory>
#include <string>

#include "gateway/config.h"
#include "gateway/exchange.h"
#include "net/event_loop.h"
#include "sys/fd.h"

namespace duet::gateway {

// Answers GET and HEAD from the files of a folder: conditions and ranges as file_conditions.h says,
// index.html for a folder, a redirect to the path with '/' for a folder named without it. What
// file_path.h does not take for a path, what is no regular file, and links that lead out of the
// folder, are not found. Files are read as they are at the time; nothing is kept.
class FilesService final : public Backend {
 public:
  // `folder` may be O_PATH; `config.path` is below it.
  FilesService(std::string name, const FilesBackend& config, std::shared_ptr<const sys::Fd> folder,
               net::EventLoop& loop)
      : name_(std::move(name)), path_(config.path), folder_(std::move(folder)), loop_(loop) {}

  std::string_view name() const override { return name_; }
  std::unique_ptr<Call> start(const CallHead& head, Caller& caller) override;

 private:
  std::unique_ptr<Call> serve(const CallHead& head, std::string path, Caller& caller);

  std::string name_;
  std::string path_;
  std::shared_ptr<const sys::Fd> folder_;
  net::EventLoop& loop_;
};

}  // namespace duet::gateway
