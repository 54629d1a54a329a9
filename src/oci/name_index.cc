#include "oci/name_index.h"

#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "oci/json_reader.h"
#include "oci/lock_file.h"
#include "sys/file.h"

namespace duet::oci {

namespace {

constexpr std::string_view kLayout = "{\"imageLayoutVersion\": \"1.0.0\"}\n";

Status check_layout(const std::string& path) {
  DUET_ASSIGN(const std::string text, sys::read_file(path, 4096));
  const auto document = parse_object(text);
  const auto version = document.ok() ? string_member(*document, "imageLayoutVersion")
                                     : Result<std::string>(document.error());
  if (!version.ok() || !version->starts_with("1.")) {
    return invalid(path + ": not the mark of an OCI image layout 1.x");
  }
  return {};
}

}  // namespace

Status NameIndex::prepare() const {
  DUET_TRY(sys::make_directories(root_, 0711));
  DUET_ASSIGN(const auto names, sys::list_directory(root_));
  const std::string layout = root_ + "/oci-layout";
  if (sys::file_exists(layout)) {
    DUET_TRY(check_layout(layout));
    if (sys::file_exists(root_ + "/index.json")) {
      return {};
    }
  }
  // A store that was being made when the power failed has only names of ours in it.
  for (const std::string& name : names) {
    if (name != "lock" && name != "gc.lock" && name != "ingest" && name != "blobs" &&
        name != "corrupt" && !name.starts_with("oci-layout") && !name.starts_with("index.json")) {
      return invalid(root_ + " is not an image store: it holds " + name);
    }
  }
  DUET_ASSIGN(const sys::Fd lock, lock_file(root_ + "/lock", LockMode::kExclusive));
  if (!sys::file_exists(root_ + "/index.json")) {
    DUET_TRY(sys::write_file_atomic(root_ + "/index.json", index_json({})));
  }
  return sys::write_file_atomic(layout, kLayout);
}

Result<Index> NameIndex::load() const {
  const std::string path = root_ + "/index.json";
  DUET_ASSIGN(const std::string text, sys::read_file(path, kManifestLimitBytes));
  auto index = parse_index(text);
  if (!index.ok()) {
    return index.error().wrap(path);
  }
  return index;
}

std::string NameIndex::revision() const {
  struct stat info{};
  if (::stat((root_ + "/index.json").c_str(), &info) != 0) {
    return "";
  }
  // Each change is a new file.
  return std::to_string(info.st_ino) + "-" + std::to_string(info.st_mtim.tv_sec) + "." +
         std::to_string(info.st_mtim.tv_nsec);
}

Status NameIndex::update(const std::function<Status(Index&)>& change) const {
  DUET_ASSIGN(const sys::Fd lock, lock_file(root_ + "/lock", LockMode::kExclusive));
  DUET_ASSIGN(Index index, load());
  DUET_TRY(change(index));
  const std::string text = index_json(index);
  if (index.entries.size() > kIndexEntryLimit ||
      text.size() > static_cast<size_t>(kManifestLimitBytes)) {
    return Error(ErrorCode::kExhausted, "the image store cannot hold more than " +
                                            std::to_string(index.entries.size() - 1) +
                                            " names: remove some");
  }
  return sys::write_file_atomic(root_ + "/index.json", text);
}

std::string entry_name(const IndexEntry& entry) {
  const auto& annotations = entry.descriptor.annotations;
  const auto found = annotations.find(std::string(kRefNameAnnotation));
  return found == annotations.end() ? "" : found->second;
}

}  // namespace duet::oci
