#include "gateway/files_service.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "gateway/file_call.h"
#include "gateway/file_conditions.h"
#include "gateway/file_path.h"
#include "gateway/services.h"
#include "net/http_date.h"
#include "sys/open_beneath.h"

namespace duet::gateway {
namespace {

using Fields = FileCall::Fields;

std::unique_ptr<Call> fail(Caller& caller, int status, std::string_view reason,
                           std::string detail) {
  return std::make_unique<FailedCall>(
      caller, Failure{.status = status, .reason = reason, .detail = std::move(detail)});
}

// Why a file cannot be opened, for the client and for the log.
std::unique_ptr<Call> fail_to_open(Caller& caller, const std::string& path, int error) {
  const std::string detail = path + ": " + std::strerror(error);
  switch (error) {
    case EACCES:
    case EPERM:
      return fail(caller, 403, "FileUnreadable", detail);
    case ENOENT:
    case ENOTDIR:
    case EXDEV:
    case ELOOP:
    case ENAMETOOLONG:
    case ENXIO:
      return fail(caller, 404, "FileNotFound", detail);
    default:
      return fail(caller, 500, "FileError", detail);
  }
}

// Changes whenever the file is written or replaced.
FileVersion version_of(const struct stat& info) {
  constexpr long kNsPerSecond = 1'000'000'000;
  char etag[64];
  std::snprintf(etag, sizeof(etag), "\"%llx-%llx-%llx\"",
                static_cast<unsigned long long>(info.st_ino),
                static_cast<unsigned long long>(info.st_size),
                static_cast<unsigned long long>(info.st_mtim.tv_sec) * kNsPerSecond +
                    static_cast<unsigned long long>(info.st_mtim.tv_nsec));
  return {.etag = etag,
          .modified_s = info.st_mtim.tv_sec,
          .size_bytes = static_cast<std::uint64_t>(info.st_size)};
}

// To the same path with a slash, seen from that path, so that a rewrite of its beginning is none of
// our business.
std::string location_of_folder(std::string_view target) {
  const std::size_t query = std::min(target.find('?'), target.size());
  const std::string_view path = target.substr(0, query);
  std::string location = "./";
  location.append(path.substr(path.rfind('/') + 1)).append("/");
  return location.append(target.substr(query));
}

std::string content_range(const FileAnswer& answer, std::uint64_t size_bytes) {
  std::string part = "*";
  if (answer.status == 206) {
    part = std::to_string(answer.range.first) + "-" +
           std::to_string(answer.range.first + answer.range.size_bytes - 1);
  }
  return "bytes " + part + "/" + std::to_string(size_bytes);
}

}  // namespace

std::unique_ptr<Call> FilesService::start(const CallHead& head, Caller& caller) {
  if (head.method != "GET" && head.method != "HEAD") {
    return std::make_unique<FileCall>(loop_, caller, 405, Fields{{"Allow", "GET, HEAD"}});
  }
  auto path = file_path(head.target.substr(0, head.target.find('?')));
  if (!path) {
    return fail(caller, 404, "FileNotFound", "the path names no file that is served");
  }
  return serve(head, std::move(*path), caller);
}

std::unique_ptr<Call> FilesService::serve(const CallHead& head, std::string path, Caller& caller) {
  const bool names_folder = path.empty() || path.ends_with('/');
  path += names_folder ? "index.html" : "";
  const std::string whole = path_.empty() ? path : path_ + "/" + path;
  // Without O_NONBLOCK a pipe would wait for its writer.
  sys::Fd file = sys::open_beneath(folder_->get(), whole, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  struct stat info{};
  if (!file.valid() || fstat(file.get(), &info) != 0) {
    return fail_to_open(caller, whole, errno);
  }
  if (S_ISDIR(info.st_mode) && !names_folder) {
    return std::make_unique<FileCall>(loop_, caller, 301,
                                      Fields{{"Location", location_of_folder(head.target)}});
  }
  if (!S_ISREG(info.st_mode)) {
    return fail(caller, 404, "FileNotFound", whole + ": no regular file");
  }
  const FileVersion version = version_of(info);
  const std::int64_t now_s =
      std::chrono::duration_cast<std::chrono::seconds>(loop_.clock().now().time_since_epoch())
          .count();
  const FileAnswer answer = judge_request(head.method, head.fields, version, now_s);
  Fields fields{{"ETag", version.etag},
                {"Last-Modified", net::format_http_date(version.modified_s)}};
  if (answer.status == 412) {
    return fail(caller, 412, "PreconditionFailed", {});
  }
  if (answer.status == 304) {
    return std::make_unique<FileCall>(loop_, caller, 304, std::move(fields));
  }
  if (answer.status != 200) {
    fields.emplace_back("Content-Range", content_range(answer, version.size_bytes));
  }
  if (answer.status == 416) {
    return std::make_unique<FileCall>(loop_, caller, 416, std::move(fields));
  }
  fields.emplace_back("Content-Type", content_type_of(path));
  fields.emplace_back("Accept-Ranges", "bytes");
  const ByteRange part =
      answer.status == 206 ? answer.range : ByteRange{.first = 0, .size_bytes = version.size_bytes};
  return std::make_unique<FileCall>(loop_, caller, answer.status, std::move(fields),
                                    std::move(file), part, head.method == "HEAD");
}

}  // namespace duet::gateway
