#include "store/schema.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string_view>

#include "sys/file.h"
#include "sys/rename.h"

namespace duet::store {
namespace {

// Step i brings schema version i to i + 1. A step never changes once it was released.
constexpr std::array<std::string_view, kSchemaVersion> kMigrations = {
    R"sql(
      CREATE TABLE object (
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        namespace TEXT NOT NULL,
        name TEXT NOT NULL,
        uid TEXT NOT NULL,
        version INTEGER NOT NULL,
        json TEXT NOT NULL);
      CREATE UNIQUE INDEX object_by_key ON object (kind, namespace, name);
      CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
      INSERT INTO counter VALUES ('version', 0);
    )sql",
    // Small values of other rooms; the oldest Event is found by its version.
    R"sql(
      CREATE TABLE value (
        room TEXT NOT NULL,
        name TEXT NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (room, name)) WITHOUT ROWID;
      CREATE INDEX object_by_version ON object (kind, version);
    )sql"};

constexpr size_t kHeaderSize = 100;  // of an SQLite file: https://www.sqlite.org/fileformat.html
constexpr std::string_view kMagic{"SQLite format 3\0", 16};

int64_t big_endian(std::string_view bytes) {
  int64_t value = 0;
  for (const char byte : bytes) {
    value = value << 8 | static_cast<uint8_t>(byte);
  }
  return value;
}

// What stands at the path before SQLite touches it.
struct Found {
  bool empty = true;    // no file or nothing in it
  std::string foreign;  // why it cannot be a store of duet; empty: it can
};

Result<int64_t> file_size(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) {
      return 0;
    }
    return Error::from_errno(path, errno);
  }
  if (!S_ISREG(info.st_mode)) {
    return invalid(path + ": not a regular file; name a file for the store");
  }
  return info.st_size;
}

Result<Found> look(const std::string& path) {
  DUET_ASSIGN(const int64_t size, file_size(path));
  if (size == 0) {
    DUET_ASSIGN(const int64_t wal_size, file_size(path + "-wal"));
    return Found{wal_size == 0, wal_size == 0 ? "" : "the file is empty, but its -wal file is not"};
  }
  DUET_ASSIGN(const sys::Fd fd, sys::open_file(path, O_RDONLY));
  std::array<char, kHeaderSize> header{};
  const ssize_t count = ::pread(fd.get(), header.data(), header.size(), 0);
  if (count < 0) {
    return Error::from_errno(path, errno);
  }
  const std::string_view text(header.data(), static_cast<size_t>(count));
  if (text.size() < kHeaderSize || !text.starts_with(kMagic)) {
    return Found{false, "it is not an SQLite database"};
  }
  if (big_endian(text.substr(68, 4)) != kApplicationId) {
    return Found{false, "it is an SQLite database of another program"};
  }
  return Found{false, ""};
}

// Moves the files of a refused database aside and says so.
Error keep_aside(const std::string& path, const sys::Clock& clock, const std::string& reason) {
  std::string stamp = sys::format_rfc3339(clock.now());
  std::erase_if(stamp, [](char c) { return c == '-' || c == ':'; });
  std::string aside = path + ".refused-" + stamp;
  for (int i = 1; sys::file_exists(aside) && i < 1000; ++i) {
    aside = path + ".refused-" + stamp + "." + std::to_string(i);
  }
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
    if (!sys::file_exists(path + suffix)) {
      continue;
    }
    const Status moved = sys::rename_exclusive(path + suffix, aside + suffix);
    if (!moved.ok()) {
      return moved.error().wrap(path + " cannot be used (" + reason +
                                ") and could not be moved aside");
    }
  }
  return {ErrorCode::kCorrupt, path + " cannot be used: " + reason + ". It was kept as " + aside +
                                   "; start again for an empty store, or put a good copy back"};
}

Status migrate(Database& database, int64_t from) {
  DUET_ASSIGN(Transaction transaction, Transaction::begin(database, Durability::kFull));
  for (int64_t version = from; version < kSchemaVersion; ++version) {
    const Status step = database.exec(std::string(kMigrations[static_cast<size_t>(version)]));
    if (!step.ok()) {
      return step.error().wrap("migration of the store from schema " + std::to_string(version));
    }
  }
  DUET_TRY(database.exec("PRAGMA application_id=" + std::to_string(kApplicationId) +
                         "; PRAGMA user_version=" + std::to_string(kSchemaVersion)));
  return transaction.commit();
}

// Makes a whole new database beside `path` and renames it there, so that a file at `path` is always
// complete and always says whose it is. A file that came to `path` meanwhile stays.
Status create_database(const std::string& path) {
  const std::string fresh = path + ".new";
  for (const char* suffix : {"", "-wal", "-journal"}) {
    if (::unlink((fresh + suffix).c_str()) != 0 && errno != ENOENT) {
      return Error::from_errno("remove " + fresh + suffix, errno);
    }
  }
  {
    // Secrets are in it: nobody else may read it. SQLite gives the -wal file the same mode.
    DUET_ASSIGN(const sys::Fd fd, sys::open_file(fresh, O_CREAT | O_EXCL | O_RDWR, 0600));
    DUET_ASSIGN(const auto database, Database::open(fresh, true));
    DUET_TRY(migrate(*database, 0));
  }
  if (sys::file_exists(path)) {  // empty: nothing is lost
    return sys::rename_over(fresh, path);
  }
  return sys::rename_exclusive(fresh, path);
}

// Everything that can be wrong with a database that bears duet's mark; nothing is written.
Status check(Database& database) {
  DUET_ASSIGN(const std::string damage, database.query_text("PRAGMA quick_check(1)"));
  if (damage != "ok") {
    return Error(ErrorCode::kCorrupt, "it is damaged (" + damage + ")");
  }
  DUET_ASSIGN(const int64_t version, database.query_number("PRAGMA user_version"));
  if (version > kSchemaVersion) {
    return Error(ErrorCode::kUnsupported, database.path() + ": written by a newer duet (schema " +
                                              std::to_string(version) + ", this one knows " +
                                              std::to_string(kSchemaVersion) +
                                              "); use that version, the file was left as it is");
  }
  if (version < 1) {
    return Error(ErrorCode::kCorrupt,
                 "its schema version " + std::to_string(version) + " was never written by duet");
  }
  return {};
}

Result<std::unique_ptr<Database>> open_checked(const std::string& path) {
  DUET_ASSIGN(auto database, Database::open(path, false));
  DUET_TRY(check(*database));
  database->accept();
  DUET_ASSIGN(const std::string mode, database->query_text("PRAGMA journal_mode=WAL"));
  if (mode != "wal") {
    return Error(ErrorCode::kUnsupported, path + ": its file system cannot hold a write-ahead log");
  }
  // The -wal file shrinks back to 4 MiB after a large transaction.
  DUET_TRY(database->exec("PRAGMA journal_size_limit=4194304"));
  DUET_ASSIGN(const int64_t version, database->query_number("PRAGMA user_version"));
  if (version < kSchemaVersion) {
    DUET_TRY(migrate(*database, version));
  }
  return database;
}

}  // namespace

Result<std::unique_ptr<Database>> open_database(const std::string& path, const sys::Clock& clock) {
  DUET_ASSIGN(const Found found, look(path));
  if (!found.foreign.empty()) {
    return keep_aside(path, clock, found.foreign);
  }
  if (found.empty) {
    DUET_TRY(create_database(path));
  }
  auto database = open_checked(path);
  if (!database.ok() && database.error().code() == ErrorCode::kCorrupt) {
    return keep_aside(path, clock, database.error().message());
  }
  return database;
}

}  // namespace duet::store
