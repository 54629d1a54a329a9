#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "object/object.h"

namespace duet::object {

// Depth to which JSON from outside is read; what walks it by recursion can rely on it.
constexpr size_t kJsonDepthLimit = 128;

// Parses one JSON text; kInvalid with the place when it is none or deeper than kJsonDepthLimit.
Result<nlohmann::json> parse_json(std::string_view text);

// A value within a JSON document and its path, for decoding. Values that are missing or null are
// "absent": reading them leaves the output as it is, so defaults stay. The first value of a wrong
// type is noted in the shared `failure` and reading goes on; the caller looks at it at the end.
// Not thread-safe; must not outlive the document or `failure`.
class JsonNode {
 public:
  JsonNode(const nlohmann::json& value, std::string path, std::optional<Error>& failure);

  JsonNode operator[](std::string_view member) const;
  bool present() const { return value_ != nullptr; }
  bool is_string() const;
  const std::string& path() const { return path_; }
  const nlohmann::json* value() const { return value_; }

  void read(std::string& out) const;
  void read(bool& out) const;
  void read(int& out) const;
  void read(int64_t& out) const;
  void read(std::optional<bool>& out) const;
  void read(std::optional<int>& out) const;
  void read(std::optional<int64_t>& out) const;
  void read(std::vector<std::string>& out) const;
  void read(std::vector<int64_t>& out) const;
  void read(StringMap& out) const;
  void read_int_or_string(std::string& out) const;  // 80 and "80" alike
  void read_millis(std::optional<int64_t>& out) const;
  void read_bytes(std::optional<int64_t>& out) const;
  void read_base64(StringMap& out) const;

  // Calls `visit` for every item of a list.
  void each(const std::function<void(const JsonNode&)>& visit) const;

  // Reads a list of objects or one optional object with a function `void(const JsonNode&, T&)`.
  template <typename T, typename Read>
  void read_list(std::vector<T>& out, Read read) const {
    each([&](const JsonNode& item) { read(item, out.emplace_back()); });
  }
  template <typename T, typename Read>
  void read_object(std::optional<T>& out, Read read) const {
    if (check_object()) {
      read(*this, out.emplace());
    }
  }

  // False when absent; notes a failure and is false when it is no object.
  bool check_object() const;
  // Notes that this value is wrong: "`path`: `message`".
  void fail(const std::string& message, ErrorCode code = ErrorCode::kInvalid) const;

 private:
  JsonNode(const nlohmann::json* value, std::string path, std::optional<Error>* failure)
      : value_(value), path_(std::move(path)), failure_(failure) {}
  JsonNode item(size_t index) const;
  void expected(std::string_view what) const;
  void read_quantity(Result<int64_t> (*parse)(std::string_view), std::optional<int64_t>& out) const;

  const nlohmann::json* value_;
  std::string path_;
  std::optional<Error>* failure_;
};

// "a string", "a list", ...: what `value` is, for messages.
std::string describe_json_type(const nlohmann::json& value);

}  // namespace duet::object
