#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"

// Network namespaces that live without a process, and mounts. All functions are thread-safe and
// need root.
namespace duet::sys {

// Makes a network namespace with its loopback up and pins it by a bind mount at `path`, whose
// folder must exist. kAlreadyExists if something is mounted there.
Status create_network_namespace(const std::string& path);

// Unpins the namespace and removes the file; it ends with its last process. A path that does not
// exist is fine.
Status remove_network_namespace(const std::string& path);

// Whether a network namespace is pinned at `path`.
bool network_namespace_exists(const std::string& path);

// The number of the network namespace that is pinned at `path`. No other one has it for as long as
// anything holds this one: a path, a process, a socket.
Result<uint64_t> network_namespace_id(const std::string& path);

// Runs `work` on a thread of its own inside the namespace pinned at `path` and returns what it
// returned. Sockets that it makes stay in that namespace.
Status in_network_namespace(const std::string& path, const std::function<Status()>& work);

enum class MountAccess { kReadWrite, kReadOnly };

// Binds the tree at `source` onto `target`, which must exist and be of the same type.
Status bind_mount(const std::string& source, const std::string& target, MountAccess access);

// A tmpfs of at most `size_bytes` (0: the kernel's default, half of memory) on the folder `target`.
Status mount_tmpfs(const std::string& target, uint64_t size_bytes, unsigned mode);

// Detaches what is mounted at `target`, all of it if several are stacked; nothing mounted is fine.
Status unmount(const std::string& target);

// Whether `path` is the root of a mount (a bind of the same file system counts).
Result<bool> is_mount_point(const std::string& path);

}  // namespace duet::sys
