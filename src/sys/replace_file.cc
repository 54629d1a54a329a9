#include "sys/replace_file.h"

#include <cerrno>
#include <cstdio>

#include "sys/file.h"

namespace duet::sys {

Status replace_file(const std::string& path, std::string_view data, mode_t mode) {
  const std::string fresh = path + ".new";
  DUET_TRY(write_file(fresh, data, mode));
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    return Error::from_errno("rename " + fresh, errno);
  }
  return {};
}

}  // namespace duet::sys
