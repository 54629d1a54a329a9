#include "base/site_paths.h"

#include <unistd.h>

#include <cstdlib>

namespace duet {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// The specification asks to ignore what is not absolute.
bool usable(const std::string& path) { return path.starts_with('/'); }

}  // namespace

SiteUser current_user() {
  return {.uid = geteuid(),
          .home = environment("HOME"),
          .xdg_state_home = environment("XDG_STATE_HOME"),
          .xdg_runtime_dir = environment("XDG_RUNTIME_DIR")};
}

SitePaths site_paths(const SiteUser& user, const std::string& state_override,
                     const std::string& run_override) {
  const std::string temporary = "/tmp/duet-" + std::to_string(user.uid);
  SitePaths paths;
  if (user.uid == 0) {
    paths = {.state = "/var/lib/duet", .run = "/run/duet", .logs = "/var/log/pods"};
  } else {
    if (usable(user.xdg_state_home)) {
      paths.state = user.xdg_state_home + "/duet";
    } else if (usable(user.home)) {
      paths.state = user.home + "/.local/state/duet";
    } else {
      paths.state = temporary + "/state";
    }
    paths.run = usable(user.xdg_runtime_dir) ? user.xdg_runtime_dir + "/duet" : temporary;
  }
  if (!state_override.empty()) {
    paths.state = state_override;
  }
  if (!run_override.empty()) {
    paths.run = run_override;
  }
  if (user.uid != 0 || !state_override.empty()) {
    paths.logs = paths.state + "/logs";
  }
  paths.socket = paths.run + "/duet.sock";
  return paths;
}

}  // namespace duet
