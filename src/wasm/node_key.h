#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace duet::wasm {

// The secret of this node with which it recognises its own compiled code.
using NodeKey = std::array<uint8_t, 32>;

// Reads the key in `path`, made from the kernel's randomness if there is none. kPermission when
// others may read or have written it, kCorrupt when it is not 32 bytes: never replaced silently.
Result<NodeKey> open_node_key(const std::string& path);

// HMAC-SHA256 (RFC 2104) of what it is fed. Not thread-safe.
class Mac {
 public:
  static Result<Mac> begin(const NodeKey& key);
  ~Mac();
  Mac(Mac&& other) noexcept;
  Mac& operator=(Mac&& other) = delete;

  void add(std::string_view bytes);
  // 64 hexadecimal digits, or an error if anything failed before.
  Result<std::string> finish() &&;

 private:
  struct State;
  explicit Mac(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Compares texts of equal length in a time that does not tell where they differ.
bool equal_secrets(std::string_view one, std::string_view other);

// SHA-256 of what it is fed. Not thread-safe.
class Sha256 {
 public:
  static Result<Sha256> begin();
  ~Sha256();
  Sha256(Sha256&& other) noexcept;
  Sha256& operator=(Sha256&& other) = delete;

  void add(std::string_view bytes);
  Result<std::string> finish() &&;  // 64 hexadecimal digits

 private:
  struct State;
  explicit Sha256(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace duet::wasm
