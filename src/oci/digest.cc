#include "oci/digest.h"

#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

namespace duet::oci {

namespace {

constexpr std::string_view kPrefix = "sha256:";

bool is_lower_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

}  // namespace

bool is_digest(std::string_view text) {
  if (!text.starts_with(kPrefix) || text.size() != kPrefix.size() + 64) {
    return false;
  }
  for (const char c : text.substr(kPrefix.size())) {
    if (!is_lower_hex(c)) {
      return false;
    }
  }
  return true;
}

std::string_view digest_hex(const Digest& digest) {
  return std::string_view(digest).substr(std::min(kPrefix.size(), digest.size()));
}

Digest digest_of(std::string_view data) {
  Sha256 hash;
  hash.update(data);
  return hash.finish();
}

struct Sha256::Context {
  EVP_MD_CTX* evp = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(evp); }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  EVP_DigestInit_ex(context_->evp, EVP_sha256(), nullptr);
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view data) {
  EVP_DigestUpdate(context_->evp, data.data(), data.size());
}

Digest Sha256::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int length = 0;
  EVP_DigestFinal_ex(context_->evp, bytes.data(), &length);
  EVP_DigestInit_ex(context_->evp, EVP_sha256(), nullptr);
  Digest digest(kPrefix);
  for (unsigned int i = 0; i < length; ++i) {
    digest += "0123456789abcdef"[bytes[i] >> 4];
    digest += "0123456789abcdef"[bytes[i] & 15];
  }
  return digest;
}

Result<Digest> digest_of_file(int fd, int64_t limit_bytes) {
  Sha256 hash;
  std::vector<char> chunk(1 << 18);
  int64_t total_bytes = 0;
  for (;;) {
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return Error::from_errno("read", errno);
    }
    if (got == 0) {
      return hash.finish();
    }
    total_bytes += got;
    if (total_bytes > limit_bytes) {
      return Error(ErrorCode::kExhausted,
                   "larger than the limit of " + std::to_string(limit_bytes) + " bytes");
    }
    hash.update({chunk.data(), static_cast<size_t>(got)});
  }
}

}  // namespace duet::oci
