#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "object/object.h"

// The fields of the Kubernetes API (1.36; Gateway API 1.7) as tables: what a manifest may hold and
// what duet makes of it. Validation and docs/kubernetes.md both come from here, so a field is
// either in a table or unknown.
namespace duet::object {

enum class FieldType {
  kString,
  kInteger,
  kBoolean,
  kNumber,
  kQuantity,
  kIntOrString,
  kTime,
  kBytes,   // base64
  kObject,  // of `fields`
  kAny,
};

enum class Shape { kOne, kList, kMap };

enum class FieldState {
  kSupported,
  kReadOnly,     // written by the node; in a manifest it is left out, as Kubernetes does
  kIgnored,      // accepted without effect, with a warning that says why
  kUnsupported,  // known and refused
};

// What a value (of a map: each value) must look like beyond its type.
enum class Format {
  kNone,
  kNonEmpty,
  kDnsLabel,        // RFC 1123 label
  kServiceName,     // RFC 1035 label
  kDnsSubdomain,    // RFC 1123 subdomain
  kLabelKey,        // [prefix/]name
  kLabelValue,      // at most 63 characters
  kPort,            // 1 to 65535
  kPortName,        // IANA service name
  kPortOrName,      // one of the two
  kEnvName,         // printable ASCII without "="
  kConfigKey,       // alphanumeric, "-", "_", "."
  kAbsolutePath,    // starts with "/"
  kRelativePath,    // does not, and has no ".."
  kHeaderName,      // RFC 9110 token
  kHostname,        // may start with "*."
  kPlainHostname,   // may not
  kDuration,        // of the Gateway API: 10s, 1h30m
  kCountOrPercent,  // 3 or "25%"
};

struct Field;

struct Structure {
  std::string_view name;  // of the Kubernetes API reference
  std::span<const Field> fields;
};

// One field. The tables make fields with the functions below and say more of them in a chain:
//   text("restartPolicy").one_of("Always OnFailure Never")
struct Field {
  std::string_view name;
  FieldType type = FieldType::kString;
  Shape shape = Shape::kOne;
  const Structure* fields = nullptr;
  FieldState state = FieldState::kSupported;
  bool is_required = false;
  Format format = Format::kNone;
  Format key_format = Format::kNone;
  std::string_view values;  // separated by spaces: the values of the API; empty: any
  std::string_view served;  // separated by spaces: the values that duet carries out; empty: all
  std::string_view note;    // why it has no effect, or what to do instead
  int64_t least = std::numeric_limits<int64_t>::min();
  int64_t most = std::numeric_limits<int64_t>::max();
  size_t item_limit = std::numeric_limits<size_t>::max();

  constexpr Field required() const {
    Field field = *this;
    field.is_required = true;
    return field;
  }
  constexpr Field is(Format value_format) const {
    Field field = *this;
    field.format = value_format;
    return field;
  }
  constexpr Field keys(Format format_of_keys) const {
    Field field = *this;
    field.key_format = format_of_keys;
    return field;
  }
  constexpr Field one_of(std::string_view words) const {
    Field field = *this;
    field.values = words;
    return field;
  }
  // Other values of the API are refused, or of an ignored field warned of.
  constexpr Field only(std::string_view words) const {
    Field field = *this;
    field.served = words;
    return field;
  }
  constexpr Field between(int64_t lowest, int64_t highest) const {
    Field field = *this;
    field.least = lowest;
    field.most = highest;
    return field;
  }
  constexpr Field at_least(int64_t lowest) const {
    return between(lowest, std::numeric_limits<int64_t>::max());
  }
  constexpr Field max_items(size_t limit) const {
    Field field = *this;
    field.item_limit = limit;
    return field;
  }
  constexpr Field says(std::string_view words) const {
    Field field = *this;
    field.note = words;
    return field;
  }
  constexpr Field read_only() const { return in_state(FieldState::kReadOnly, note); }
  constexpr Field ignored(std::string_view why) const {
    return in_state(FieldState::kIgnored, why);
  }
  constexpr Field unsupported(std::string_view instead = "") const {
    return in_state(FieldState::kUnsupported, instead);
  }

  constexpr Field in_state(FieldState new_state, std::string_view words) const {
    Field field = *this;
    field.state = new_state;
    field.note = words;
    return field;
  }
};

// The whole object of a kind.
const Structure& schema_of(Kind kind);

}  // namespace duet::object
