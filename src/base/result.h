#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace duet {

// What kind of failure an Error is, so that callers can decide what to do without reading its text.
enum class ErrorCode {
  kInvalid,        // the caller's input is wrong; trying again cannot help
  kNotFound,       // the thing named does not exist
  kAlreadyExists,  // the thing named exists already
  kConflict,       // the object was changed meanwhile; read it again
  kUnavailable,    // a peer or a resource is not there now; trying again may help
  kPermission,     // not allowed
  kExhausted,      // a bound was reached
  kTimeout,        // a time limit passed
  kCorrupt,        // stored or received data is not what its checksum or format promises
  kUnsupported,    // known, and not done by duet
  kInternal,       // a system call or our own code failed
};

// Name of `code` as it stands in logs, for example "not found".
std::string_view error_code_name(ErrorCode code);

// A failure as a value: what was wrong and where, in words for the person who has to mend it.
// `Error::wrap` puts the caller's context before the callee's message, so that a message reads from
// the outside in.
class Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  // An error from errno: `what` followed by the system's text; ENOENT, EACCES and the like set the
  // code.
  static Error from_errno(std::string_view what, int errno_value);

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }

  // The same failure with "`context`: " before its message.
  Error wrap(std::string_view context) const;

  bool operator==(const Error&) const = default;

 private:
  ErrorCode code_;
  std::string message_;
};

inline Error invalid(std::string message) { return {ErrorCode::kInvalid, std::move(message)}; }
inline Error not_found(std::string message) { return {ErrorCode::kNotFound, std::move(message)}; }
inline Error internal(std::string message) { return {ErrorCode::kInternal, std::move(message)}; }

// Either a value or the Error that took its place. Results must be looked at; asking a failed one
// for its value is a bug of ours and ends the process.
template <typename T>
class [[nodiscard]] Result {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): a value is a result.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor): an error is a result.
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return *must(); }
  const T& value() const& { return *const_cast<Result*>(this)->must(); }
  T&& value() && { return std::move(*must()); }
  T& operator*() & { return *must(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*must()); }
  T* operator->() { return must(); }
  const T* operator->() const { return const_cast<Result*>(this)->must(); }

  const Error& error() const { return std::get<1>(state_); }
  T value_or(T other) const { return ok() ? std::get<0>(state_) : std::move(other); }  // NOLINT

 private:
  T* must() { return &std::get<0>(state_); }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): an error is a result.
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

// A Result without a value. `return {};` is success.
using Status = Result<void>;

}  // namespace duet

#define DUET_CONCAT_(a, b) a##b
#define DUET_CONCAT(a, b) DUET_CONCAT_(a, b)

// DUET_TRY(expr): returns expr's error from the enclosing function, if it has one.
#define DUET_TRY(expr)                                    \
  do {                                                    \
    if (auto duet_status_ = (expr); !duet_status_.ok()) { \
      return duet_status_.error();                        \
    }                                                     \
  } while (false)

// DUET_ASSIGN(declaration, expr): as DUET_TRY, else `declaration = value`.
#define DUET_ASSIGN(declaration, expr) \
  DUET_ASSIGN_(DUET_CONCAT(duet_result_, __LINE__), declaration, expr)
#define DUET_ASSIGN_(name, declaration, expr) \
  auto name = (expr);                         \
  if (!name.ok()) {                           \
    return name.error();                      \
  }                                           \
  declaration = std::move(name).value()
