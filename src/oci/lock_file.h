#pragma once

#include <string>

#include "base/result.h"
#include "sys/fd.h"

// Open file description locks (fcntl(2)). A lock is held until its descriptor closes, and is
// between open files: it also keeps two threads of one process apart.
namespace duet::oci {

enum class LockMode { kShared, kExclusive };

// Waits for the lock; the file is made if needed.
Result<sys::Fd> lock_file(const std::string& path, LockMode mode);
// An invalid descriptor if somebody else has it.
Result<sys::Fd> try_lock_file(const std::string& path, LockMode mode);

}  // namespace duet::oci
