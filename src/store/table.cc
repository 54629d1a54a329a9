#include "store/table.h"

#include <string_view>
#include <utility>

#include "object/kind.h"

namespace duet::store {
namespace {

std::string_view name_of(object::Kind kind) { return object::kind_info(kind).name; }

// A row of "namespace, name, uid, version, json".
object::Object read_row(object::Kind kind, const Statement::Run& run) {
  return {{kind, run.text(0), run.text(1)}, run.text(2), run.number(3), run.text(4)};
}

Result<std::optional<object::Object>> read_one(object::Kind kind, Statement::Run& run) {
  DUET_ASSIGN(const bool row, run.step());
  return row ? std::optional(read_row(kind, run)) : std::nullopt;
}

}  // namespace

Result<std::unique_ptr<Table>> Table::open(Database& database) {
  std::unique_ptr<Table> table(new Table(database));
  DUET_TRY(table->prepare_all());
  return table;
}

Status Table::prepare_all() {
  const std::pair<std::unique_ptr<Statement>*, std::string_view> statements[] = {
      {&find_,
       "SELECT namespace, name, uid, version, json FROM object"
       " WHERE kind = ?1 AND namespace = ?2 AND name = ?3"},
      {&list_,
       "SELECT namespace, name, uid, version, json FROM object"
       " WHERE kind = ?1 ORDER BY namespace, name"},
      {&list_namespace_,
       "SELECT namespace, name, uid, version, json FROM object"
       " WHERE kind = ?1 AND namespace = ?2 ORDER BY name"},
      {&oldest_,
       "SELECT namespace, name, uid, version, json FROM object"
       " WHERE kind = ?1 ORDER BY version LIMIT 1"},
      {&put_,
       "INSERT INTO object (kind, namespace, name, uid, version, json)"
       " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (kind, namespace, name)"
       " DO UPDATE SET uid = excluded.uid, version = excluded.version, json = excluded.json"},
      {&erase_, "DELETE FROM object WHERE kind = ?1 AND namespace = ?2 AND name = ?3"},
      {&count_kind_, "SELECT count(*) FROM object WHERE kind = ?1"},
      {&set_version_, "UPDATE counter SET value = ?1 WHERE name = 'version'"},
      {&find_value_, "SELECT value FROM value WHERE room = ?1 AND name = ?2"},
      {&put_value_,
       "INSERT INTO value (room, name, value) VALUES (?1, ?2, ?3)"
       " ON CONFLICT (room, name) DO UPDATE SET value = excluded.value"},
      {&erase_value_, "DELETE FROM value WHERE room = ?1 AND name = ?2"},
  };
  for (const auto& [statement, sql] : statements) {
    DUET_ASSIGN(*statement, database_.prepare(sql));
  }
  return {};
}

Result<std::optional<object::Object>> Table::find(const object::ObjectKey& key) {
  Statement::Run run(*find_);
  run.bind(1, name_of(key.kind)).bind(2, key.ns).bind(3, key.name);
  return read_one(key.kind, run);
}

Result<std::vector<object::Object>> Table::list(object::Kind kind, const std::string& ns) {
  Statement::Run run(ns.empty() ? *list_ : *list_namespace_);
  run.bind(1, name_of(kind));
  if (!ns.empty()) {
    run.bind(2, ns);
  }
  std::vector<object::Object> objects;
  while (true) {
    DUET_ASSIGN(const bool row, run.step());
    if (!row) {
      return objects;
    }
    objects.push_back(read_row(kind, run));
  }
}

Result<std::optional<object::Object>> Table::oldest(object::Kind kind) {
  Statement::Run run(*oldest_);
  run.bind(1, name_of(kind));
  return read_one(kind, run);
}

Status Table::put(const object::Object& object) {
  Statement::Run run(*put_);
  run.bind(1, name_of(object.key.kind)).bind(2, object.key.ns).bind(3, object.key.name);
  run.bind(4, object.uid).bind(5, object.resource_version).bind(6, object.json);
  return run.finish();
}

Status Table::erase(const object::ObjectKey& key) {
  Statement::Run run(*erase_);
  run.bind(1, name_of(key.kind)).bind(2, key.ns).bind(3, key.name);
  return run.finish();
}

Result<int64_t> Table::count_objects() {
  return database_.query_number("SELECT count(*) FROM object");
}

Result<int64_t> Table::count_objects(object::Kind kind) {
  Statement::Run run(*count_kind_);
  run.bind(1, name_of(kind));
  DUET_TRY(run.step());
  return run.number(0);
}

Result<int64_t> Table::version() {
  return database_.query_number("SELECT value FROM counter WHERE name = 'version'");
}

Status Table::set_version(int64_t version) {
  Statement::Run run(*set_version_);
  run.bind(1, version);
  return run.finish();
}

Result<std::optional<std::string>> Table::find_value(const std::string& room,
                                                     const std::string& name) {
  Statement::Run run(*find_value_);
  run.bind(1, room).bind(2, name);
  DUET_ASSIGN(const bool row, run.step());
  return row ? std::optional(run.text(0)) : std::nullopt;
}

Status Table::put_value(const std::string& room, const std::string& name,
                        const std::string& value) {
  Statement::Run run(*put_value_);
  run.bind(1, room).bind(2, name).bind(3, value);
  return run.finish();
}

Status Table::erase_value(const std::string& room, const std::string& name) {
  Statement::Run run(*erase_value_);
  run.bind(1, room).bind(2, name);
  return run.finish();
}

Result<int64_t> Table::count_values() {
  return database_.query_number("SELECT count(*) FROM value");
}

}  // namespace duet::store
