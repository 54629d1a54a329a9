#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "store/database.h"
#include "sys/clock.h"

// The file format of the store: an SQLite database whose application_id says that it is duet's and
// whose user_version counts its schema. docs/decisions/store.md has the reasons.
namespace duet::store {

inline constexpr int64_t kApplicationId = 0x64756574;  // "duet"
inline constexpr int64_t kSchemaVersion = 2;

// Opens the store's database, making it when nothing (or an empty file) is there and migrating an
// older schema. A damaged or foreign file is moved aside with its -wal and -shm, never changed
// (kCorrupt names the new place); a newer schema is left alone (kUnsupported).
Result<std::unique_ptr<Database>> open_database(const std::string& path, const sys::Clock& clock);

}  // namespace duet::store
