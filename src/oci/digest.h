#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "oci/image.h"

// SHA-256 digests of content (OCI image spec, descriptor.md). Functions are thread-safe.
namespace duet::oci {

// True if `text` is "sha256:" and 64 lower-case hexadecimal digits.
bool is_digest(std::string_view text);

// The 64 digits of a valid digest: the blob's file name.
std::string_view digest_hex(const Digest& digest);

Digest digest_of(std::string_view data);

// SHA-256 of a stream. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(std::string_view data);
  // The digest of all that was given; the stream starts anew.
  Digest finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// Reads `fd` from its offset to its end, at most `limit_bytes` (kExhausted past that).
Result<Digest> digest_of_file(int fd, int64_t limit_bytes);

}  // namespace duet::oci
