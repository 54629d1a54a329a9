#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

// SQLite as values and results. Nothing here is thread-safe: the store holds its mutex around it.
namespace duet::store {

class Database;

// A prepared statement, bound and stepped once per Run.
class Statement {
 public:
  // One execution: bind from 1, step until false. Resets the statement when it goes out of scope.
  class Run {
   public:
    explicit Run(const Statement& statement) : statement_(statement) {}
    ~Run();
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    // The text must live until the Run ends.
    Run& bind(int index, std::string_view text);
    Run& bind(int index, int64_t number);
    // True: a row is there; false: finished.
    Result<bool> step();
    // Steps a statement that has no rows to its end.
    Status finish();
    std::string text(int column) const;
    int64_t number(int column) const;

   private:
    const Statement& statement_;
    int bind_result_ = 0;
  };

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(const Database& database, sqlite3_stmt* statement)
      : database_(&database), statement_(statement) {}
  const Database* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// How sure a commit is after a power cut. A killed process loses neither.
enum class Durability {
  kFull,     // fsync before it returns
  kRelaxed,  // with the next full commit or checkpoint; what may be lost is always the newest
};

// One connection that keeps the file to itself (locking_mode EXCLUSIVE). Not movable: statements
// point to it.
class Database {
 public:
  // Opens the database at `path`; `create` makes a missing one. kCorrupt: not a database.
  // kUnavailable: another process has it open.
  static Result<std::unique_ptr<Database>> open(const std::string& path, bool create);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  const std::string& path() const { return path_; }
  // Runs statements that return no rows of interest.
  Status exec(const std::string& sql);
  // The one integer that `sql` gives.
  Result<int64_t> query_number(const std::string& sql);
  // The one text that `sql` gives.
  Result<std::string> query_text(const std::string& sql);
  Result<std::unique_ptr<Statement>> prepare(std::string_view sql) const;
  Status set_durability(Durability durability);
  // Closing leaves the -wal file as it is unless this was called: a database that was not accepted
  // must not be changed.
  void accept();

  // The last failure in words, with the file's path and what to do.
  Error last_error() const;
  bool in_transaction() const;

 private:
  Database(std::string path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}
  std::string path_;
  sqlite3* handle_;
  bool relaxed_ = false;
};

// A transaction that is rolled back unless it was committed.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database, Durability durability);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Status commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;  // null: moved from or ended
};

}  // namespace duet::store
