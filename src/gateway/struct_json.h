#pragma once

#include <concepts>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

// Plain structs as JSON. One function describes a struct for both directions by naming the keys of
// its members:
//
//   static void visit(auto& v, Is<Header> auto& x) {
//     v.field("name", x.name);
//     v.field("value", x.value);
//   }
//
// It stands in namespace duet::gateway, where it is found by its arguments, and v is a StructWriter
// or a StructReader. Members may be numbers, enums, strings, other described structs, and vectors,
// optionals and pairs of these. A struct that is not the same both ways has a function for each.
namespace duet::gateway {

// T is U, const or not: v reads into one and writes from the other.
template <typename T, typename U>
concept Is = std::is_same_v<std::remove_cvref_t<T>, U>;

// Makes the JSON object of one struct. Not thread-safe.
class StructWriter {
 public:
  using Json = nlohmann::json;

  // Leaves out what reads back the same without its key: structs, lists and optionals that are
  // equal to T{}.
  template <typename T>
  void field(const char* key, const T& value) {
    constexpr bool kDefaultMayDiffer =  // from zero
        std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_same_v<T, std::string>;
    if (kDefaultMayDiffer || !(value == T{})) {
      required(key, value);
    }
  }
  // As field, whatever the value is.
  template <typename T>
  void required(const char* key, const T& value) {
    json_[key] = write(value);
  }
  // The JSON of any value that a member may be.
  template <typename T>
  static Json write(const T& value);

 private:
  Json json_ = Json::object();
};

// Takes the keys of one struct from a JSON object and remembers the first thing that was wrong,
// which includes keys that nobody took. Not thread-safe.
class StructReader {
 public:
  using Json = nlohmann::json;

  // `place` is what the error calls the object; `error` gets it unless it says something already.
  // `json` and `error` must outlive the reader.
  StructReader(const Json& json, std::string place, std::string& error)
      : json_(json), place_(std::move(place)), error_(error) {
    if (!json.is_object()) {
      note(place_, "must be an object", error_);
    }
  }
  ~StructReader() {
    if (json_.is_object() && known_ != json_.size() && error_.empty()) {
      note(place_, "has an unknown key", error_);
    }
  }
  StructReader(const StructReader&) = delete;
  StructReader& operator=(const StructReader&) = delete;

  // A key that is not there leaves `value` as it is.
  template <typename T>
  void field(const char* key, T& value) {
    if (!json_.is_object()) {
      return;
    }
    const auto found = json_.find(key);
    if (found != json_.end()) {
      ++known_;
      read(*found, place_ + "." + key, value, error_);
    }
  }
  bool has(const char* key) const { return json_.contains(key); }
  // Reads any value that a member may be; does nothing if `error` says something already.
  template <typename T>
  static void read(const Json& json, const std::string& place, T& value, std::string& error);

 private:
  static void note(const std::string& place, const char* what, std::string& error) {
    if (error.empty()) {
      error = place + " " + what;
    }
  }
  template <typename T>
  static bool read_number(const Json& json, T& value);

  const Json& json_;
  std::string place_;
  std::string& error_;
  std::size_t known_ = 0;
};

template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};
template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <typename T>
struct IsPair : std::false_type {};
template <typename A, typename B>
struct IsPair<std::pair<A, B>> : std::true_type {};

template <typename T>
nlohmann::json StructWriter::write(const T& value) {
  if constexpr (IsVector<T>::value) {
    Json list = Json::array();
    for (const auto& item : value) {
      list.push_back(write(item));
    }
    return list;
  } else if constexpr (IsOptional<T>::value) {
    return write(*value);
  } else if constexpr (IsPair<T>::value) {
    return Json::array({value.first, value.second});
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<int>(value);
  } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
    return value;
  } else {
    StructWriter writer;
    visit(writer, value);
    return std::move(writer.json_);
  }
}

// Whether `json` is a number that T holds. Enums have three values at most, from 0.
template <typename T>
bool StructReader::read_number(const Json& json, T& value) {
  if (!json.is_number_integer()) {
    return false;
  }
  const auto wide = json.get<std::int64_t>();
  if constexpr (std::is_enum_v<T>) {
    value = static_cast<T>(wide);
    return wide >= 0 && wide <= 2;
  } else if constexpr (sizeof(T) < sizeof(wide)) {
    value = static_cast<T>(wide);
    return static_cast<std::int64_t>(value) == wide;
  } else {
    value = static_cast<T>(wide);
    return std::is_signed_v<T> || wide >= 0 || json.is_number_unsigned();
  }
}

template <typename T>
void StructReader::read(const Json& json, const std::string& place, T& value, std::string& error) {
  if (!error.empty()) {
    return;
  }
  if constexpr (IsVector<T>::value) {
    if (!json.is_array()) {
      note(place, "must be a list", error);
      return;
    }
    value.resize(json.size());
    for (std::size_t i = 0; i < json.size(); ++i) {
      read(json[i], place + "[" + std::to_string(i) + "]", value[i], error);
    }
  } else if constexpr (IsOptional<T>::value) {
    read(json, place, value.emplace(), error);
  } else if constexpr (IsPair<T>::value) {
    if (!json.is_array() || json.size() != 2) {
      note(place, "must be a pair", error);
      return;
    }
    read(json[0], place + "[0]", value.first, error);
    read(json[1], place + "[1]", value.second, error);
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (!json.is_string()) {
      note(place, "must be a string", error);
      return;
    }
    value = json.get_ref<const std::string&>();
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!json.is_boolean()) {
      note(place, "must be true or false", error);
      return;
    }
    value = json.get<bool>();
  } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
    if (!read_number(json, value)) {
      note(place, "must be a number in range", error);
    }
  } else {
    StructReader reader(json, place, error);
    visit(reader, value);
  }
}

}  // namespace duet::gateway
