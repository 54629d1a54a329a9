#pragma once

#include <cstdint>
#include <mutex>
#include <random>
#include <span>
#include <string>

namespace duet::sys {

// Random bytes, as an argument. Implementations are thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<uint8_t> out) = 0;
};

// The kernel's generator (getrandom(2)); fit for keys.
class SystemRandom final : public Random {
 public:
  void fill(std::span<uint8_t> out) override;
};

// The same bytes for the same seed; for tests only.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}
  void fill(std::span<uint8_t> out) override;

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

// A version 4 UUID (RFC 9562, section 5.4) in lower case with dashes.
std::string make_uuid(Random& random);

// `length` letters and digits without vowels and look-alikes, as Kubernetes ends generated names.
std::string make_name_suffix(Random& random, size_t length = 5);

}  // namespace duet::sys
