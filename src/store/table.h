#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "object/object.h"
#include "store/database.h"

namespace duet::store {

// The rows of the database: objects, the version counter, values. Not thread-safe; writes belong in
// a Transaction. The database must outlive it.
class Table {
 public:
  static Result<std::unique_ptr<Table>> open(Database& database);

  Result<std::optional<object::Object>> find(const object::ObjectKey& key);
  // By namespace, then name; an empty `ns`: every namespace.
  Result<std::vector<object::Object>> list(object::Kind kind, const std::string& ns);
  // The object of `kind` with the smallest version.
  Result<std::optional<object::Object>> oldest(object::Kind kind);
  Status put(const object::Object& object);
  Status erase(const object::ObjectKey& key);
  Result<int64_t> count_objects();
  Result<int64_t> count_objects(object::Kind kind);

  Result<int64_t> version();
  Status set_version(int64_t version);

  Result<std::optional<std::string>> find_value(const std::string& room, const std::string& name);
  Status put_value(const std::string& room, const std::string& name, const std::string& value);
  Status erase_value(const std::string& room, const std::string& name);
  Result<int64_t> count_values();

 private:
  explicit Table(Database& database) : database_(database) {}
  Status prepare_all();

  Database& database_;
  std::unique_ptr<Statement> find_, list_, list_namespace_, oldest_, put_, erase_;
  std::unique_ptr<Statement> count_kind_, set_version_, find_value_, put_value_, erase_value_;
};

}  // namespace duet::store
