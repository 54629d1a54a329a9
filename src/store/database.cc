#include "store/database.h"

#include <sqlite3.h>

#include <cerrno>
#include <utility>

namespace duet::store {
namespace {

ErrorCode code_of(int result, int system_errno) {
  if (system_errno == ENOSPC || system_errno == EDQUOT) {
    return ErrorCode::kExhausted;
  }
  switch (result & 0xff) {
    case SQLITE_FULL:
    case SQLITE_TOOBIG:
    case SQLITE_NOMEM:
      return ErrorCode::kExhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::kCorrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::kUnavailable;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return ErrorCode::kPermission;
    default:
      return ErrorCode::kInternal;
  }
}

std::string advice(ErrorCode code) {
  switch (code) {
    case ErrorCode::kExhausted:
      return "; no space is left for it: free some, nothing stored was changed";
    case ErrorCode::kUnavailable:
      return "; another process has it open: only one agent may use a store";
    case ErrorCode::kPermission:
      return "; the file or its folder cannot be written";
    default:
      return "";
  }
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Statement::Run::~Run() {
  sqlite3_reset(statement_.statement_.get());
  sqlite3_clear_bindings(statement_.statement_.get());
}

Statement::Run& Statement::Run::bind(int index, std::string_view text) {
  // An empty view may have no address, which SQLite would take for NULL.
  const char* data = text.empty() ? "" : text.data();
  const int result = sqlite3_bind_text64(statement_.statement_.get(), index, data, text.size(),
                                         SQLITE_STATIC, SQLITE_UTF8);
  bind_result_ = bind_result_ == SQLITE_OK ? result : bind_result_;
  return *this;
}

Statement::Run& Statement::Run::bind(int index, int64_t number) {
  const int result = sqlite3_bind_int64(statement_.statement_.get(), index, number);
  bind_result_ = bind_result_ == SQLITE_OK ? result : bind_result_;
  return *this;
}

Result<bool> Statement::Run::step() {
  const int result =
      bind_result_ == SQLITE_OK ? sqlite3_step(statement_.statement_.get()) : bind_result_;
  if (result == SQLITE_ROW || result == SQLITE_DONE) {
    return result == SQLITE_ROW;
  }
  return statement_.database_->last_error();
}

Status Statement::Run::finish() {
  bool row = true;
  while (row) {
    DUET_ASSIGN(row, step());
  }
  return {};
}

std::string Statement::Run::text(int column) const {
  sqlite3_stmt* statement = statement_.statement_.get();
  const void* data = sqlite3_column_blob(statement, column);
  const int size = sqlite3_column_bytes(statement, column);
  return data == nullptr ? std::string()
                         : std::string(static_cast<const char*>(data), static_cast<size_t>(size));
}

int64_t Statement::Run::number(int column) const {
  return sqlite3_column_int64(statement_.statement_.get(), column);
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, bool create) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int result = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  if (handle == nullptr) {
    return Error(ErrorCode::kExhausted, path + ": no memory to open it");
  }
  std::unique_ptr<Database> database(new Database(path, handle));
  if (result != SQLITE_OK) {
    return database->last_error();
  }
  sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  // The page cache is bounded to 1 MiB: the agent is small, and the kernel caches the file too.
  DUET_TRY(
      database->exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-1024; PRAGMA mmap_size=0;"
                     "PRAGMA temp_store=MEMORY; PRAGMA synchronous=FULL;"));
  return database;
}

Database::~Database() { sqlite3_close_v2(handle_); }

Status Database::exec(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return last_error();
  }
  return {};
}

Result<int64_t> Database::query_number(const std::string& sql) {
  DUET_ASSIGN(const auto statement, prepare(sql));
  Statement::Run run(*statement);
  DUET_ASSIGN(const bool row, run.step());
  return row ? run.number(0) : 0;
}

Result<std::string> Database::query_text(const std::string& sql) {
  DUET_ASSIGN(const auto statement, prepare(sql));
  Statement::Run run(*statement);
  DUET_ASSIGN(const bool row, run.step());
  return row ? run.text(0) : std::string();
}

Result<std::unique_ptr<Statement>> Database::prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    return last_error();
  }
  return std::unique_ptr<Statement>(new Statement(*this, statement));
}

Status Database::set_durability(Durability durability) {
  const bool relaxed = durability == Durability::kRelaxed;
  if (relaxed != relaxed_) {
    DUET_TRY(exec(relaxed ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL"));
    relaxed_ = relaxed;
  }
  return {};
}

void Database::accept() {
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

Error Database::last_error() const {
  const int result = sqlite3_extended_errcode(handle_);
  const int system_errno = (result & 0xff) == SQLITE_IOERR || (result & 0xff) == SQLITE_CANTOPEN
                               ? sqlite3_system_errno(handle_)
                               : 0;
  const ErrorCode code = code_of(result, system_errno);
  std::string text = path_ + ": " + sqlite3_errmsg(handle_);
  if (system_errno != 0) {
    text += " (" + Error::from_errno("system", system_errno).message() + ")";
  }
  return {code, text + advice(code)};
}

bool Database::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

Result<Transaction> Transaction::begin(Database& database, Durability durability) {
  DUET_TRY(database.set_durability(durability));
  DUET_TRY(database.exec("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
  if (database_ != nullptr && database_->in_transaction()) {
    // SQLite rolls back by itself after most failures; nothing can be done about one here.
    (void)database_->exec("ROLLBACK");
  }
}

Status Transaction::commit() {
  DUET_TRY(database_->exec("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace duet::store
