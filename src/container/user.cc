#include "container/user.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <utility>

#include "sys/file.h"

namespace duet::container {

namespace {

constexpr size_t kFileLimitBytes = 1 << 20;
constexpr size_t kGroupLimit = 65'536;  // NGROUPS_MAX

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(end + 1);
  }
}

std::optional<uint32_t> number_of(std::string_view text) {
  uint32_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  // The last one means "no change" to the kernel.
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || value == UINT32_MAX) {
    return std::nullopt;
  }
  return value;
}

int open_inside(int root, const char* path, uint64_t flags) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, root, path, &how, sizeof(how)));
}

// The lines of a file of the image, each split at ":"; none when it has no such file.
Result<std::vector<std::vector<std::string>>> read_table(const std::string& rootfs,
                                                         const char* path) {
  DUET_ASSIGN(const sys::Fd root, sys::open_file(rootfs, O_PATH | O_DIRECTORY));
  std::vector<std::vector<std::string>> rows;
  const sys::Fd place(open_inside(root.get(), path, O_PATH));
  if (!place.valid() && (errno == ENOENT || errno == ENOTDIR)) {
    return rows;
  }
  struct stat info{};
  if (!place.valid() || ::fstat(place.get(), &info) != 0) {
    return Error::from_errno("the image's /" + std::string(path), errno);
  }
  if (!S_ISREG(info.st_mode)) {  // opening a device or a pipe may block or do things
    return invalid("the image's /" + std::string(path) + " is not a regular file");
  }
  auto text = sys::read_file("/proc/self/fd/" + std::to_string(place.get()), kFileLimitBytes);
  if (!text.ok()) {
    return text.error().wrap("the image's /" + std::string(path));
  }
  for (const auto& line : split(*text, '\n')) {
    if (!line.empty() && line[0] != '#') {
      rows.push_back(split(line, ':'));
    }
  }
  return rows;
}

struct PasswdEntry {
  std::string name;
  uint32_t uid = 0;
  uint32_t gid = 0;
};

// The first entry of that name, or of that number when `key` is one.
Result<std::optional<PasswdEntry>> find_user(const std::string& rootfs, const std::string& key) {
  DUET_ASSIGN(const auto rows, read_table(rootfs, "etc/passwd"));
  const auto number = number_of(key);
  for (const auto& row : rows) {
    if (row.size() < 4) {
      continue;
    }
    const auto uid = number_of(row[2]);
    const auto gid = number_of(row[3]);
    if (uid && gid && (row[0] == key || (number && *number == *uid))) {
      return std::optional(PasswdEntry{row[0], *uid, *gid});
    }
  }
  return std::optional<PasswdEntry>();
}

Result<uint32_t> find_group(const std::string& rootfs, const std::string& key) {
  DUET_ASSIGN(const auto rows, read_table(rootfs, "etc/group"));
  for (const auto& row : rows) {
    const auto gid = row.size() < 3 ? std::nullopt : number_of(row[2]);
    if (gid && row[0] == key) {
      return *gid;
    }
  }
  if (const auto number = number_of(key)) {
    return *number;
  }
  return invalid("group \"" + key + "\" is not in the image's /etc/group");
}

// Groups whose list of members has `user`.
Result<std::vector<uint32_t>> groups_of(const std::string& rootfs, const std::string& user) {
  std::vector<uint32_t> groups;
  DUET_ASSIGN(const auto rows, read_table(rootfs, "etc/group"));
  for (const auto& row : rows) {
    const auto gid = row.size() < 4 ? std::nullopt : number_of(row[2]);
    if (!gid) {
      continue;
    }
    const auto members = split(row[3], ',');
    if (std::find(members.begin(), members.end(), user) != members.end()) {
      groups.push_back(*gid);
    }
  }
  return groups;
}

Result<uint32_t> checked_id(int64_t id, const char* what) {
  if (id < 0 || id >= UINT32_MAX) {
    return invalid(std::string(what) + " " + std::to_string(id) + " is out of range");
  }
  return static_cast<uint32_t>(id);
}

}  // namespace

Result<UserIds> resolve_user(const std::string& rootfs, const UserRequest& request) {
  std::string user = request.image_user;
  std::string group;
  if (const size_t colon = user.find(':'); colon != std::string::npos) {
    group = user.substr(colon + 1);
    user.resize(colon);
  }
  if (request.run_as_user) {
    user = std::to_string(*request.run_as_user);
    group.clear();
  }
  if (user.empty()) {
    user = "0";
  }
  UserIds ids;
  DUET_ASSIGN(const auto entry, find_user(rootfs, user));
  if (entry) {
    ids.uid = entry->uid;
    ids.gid = entry->gid;
    DUET_ASSIGN(ids.additional_gids, groups_of(rootfs, entry->name));
  } else if (const auto number = number_of(user)) {
    ids.uid = *number;
  } else {
    return invalid("user \"" + user + "\" is not in the image's /etc/passwd");
  }
  if (!group.empty()) {
    DUET_ASSIGN(ids.gid, find_group(rootfs, group));
  }
  if (request.run_as_group) {
    DUET_ASSIGN(ids.gid, checked_id(*request.run_as_group, "runAsGroup"));
  }
  for (const int64_t each : request.supplemental_groups) {
    DUET_ASSIGN(const uint32_t gid, checked_id(each, "supplemental group"));
    ids.additional_gids.push_back(gid);
  }
  // The primary group too: a set-group-id program must not be a way to leave it behind.
  auto& more = ids.additional_gids;
  more.push_back(ids.gid);
  std::sort(more.begin(), more.end());
  more.erase(std::unique(more.begin(), more.end()), more.end());
  if (more.size() > kGroupLimit) {
    return Error(ErrorCode::kExhausted, "more than " + std::to_string(kGroupLimit) + " groups");
  }
  return ids;
}

}  // namespace duet::container
