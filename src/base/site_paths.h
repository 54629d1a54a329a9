#pragma once

#include <string>

// Where a node keeps what. Every program of duet that has to find the files of another one takes
// them from here.
namespace duet {

struct SitePaths {
  std::string state;   // survives a reboot: /var/lib/duet
  std::string run;     // does not: /run/duet
  std::string logs;    // of pods: /var/log/pods
  std::string socket;  // of the local API: <run>/duet.sock

  std::string images() const { return state + "/images"; }      // content store
  std::string layers() const { return state + "/layers"; }      // unpacked layers
  std::string code() const { return state + "/code"; }          // code compiled ahead of time
  std::string key_file() const { return state + "/node.key"; }  // authenticates that code
  std::string database() const { return state + "/objects.db"; }
  bool operator==(const SitePaths&) const = default;
};

// What decides where a user's files are: uid and environment, as values.
struct SiteUser {
  unsigned uid = 0;
  std::string home;             // $HOME
  std::string xdg_state_home;   // $XDG_STATE_HOME
  std::string xdg_runtime_dir;  // $XDG_RUNTIME_DIR
};

// The user that runs this process.
SiteUser current_user();

// The folders of `user`'s own node: the system's for root; for others those of the XDG base
// directory specification, with /tmp/duet-<uid> where there is no runtime directory. Whoever makes
// a run folder makes it with mode 0700. Non-empty overrides win; the socket follows the run folder.
SitePaths site_paths(const SiteUser& user, const std::string& state_override = "",
                     const std::string& run_override = "");

}  // namespace duet
