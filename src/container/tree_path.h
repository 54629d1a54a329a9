#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

// Paths of foreign trees, resolved step by step so that no link leads out of the root.
namespace duet::container {

// The components of `path` without "" and "."; a leading "/" means the tree's root. kInvalid for
// "..", and past 4095 bytes.
Result<std::vector<std::string>> tree_components(const std::string& path);

struct TreeDirectory {
  sys::Fd fd;
  std::string path;  // from the root, without links; empty: the root
};

// What to do about a folder of the path that does not exist.
enum class MissingDirectory { kFail, kCreate };

// Opens the folder `components` below `root`, following links as a process would whose root is
// `root`. kNotFound: missing; kInvalid: something on the way is no folder, or a loop of links.
Result<TreeDirectory> open_tree_directory(int root, const std::vector<std::string>& components,
                                          MissingDirectory missing);

// Marks the folder open as `fd` opaque: overlayfs shows nothing of lower layers below it.
Status make_opaque(int fd);

// Whether `name` in `parent` is an overlayfs whiteout.
bool is_whiteout(int parent, const std::string& name);

// Removes `name` in `parent` with all below it, holding one descriptor however deep it is.
Status remove_below(int parent, const std::string& name);

// The same for a path of ours whose content is foreign. One that does not exist is fine.
Status remove_foreign_tree(const std::string& path);

}  // namespace duet::container
