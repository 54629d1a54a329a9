#include "wasm/node_key.h"

#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "sys/file.h"

namespace duet::wasm {

namespace {

std::string hexadecimal(const uint8_t* bytes, size_t count) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text += kDigits[bytes[i] >> 4U];
    text += kDigits[bytes[i] & 15U];
  }
  return text;
}

// A new key at `path`, unless somebody else is faster.
Status make_key(const std::string& path) {
  NodeKey key{};
  if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size())) {
    return Error::from_errno("get random bytes", errno);
  }
  const std::string fresh = path + ".new." + std::to_string(::getpid());
  const std::string_view bytes(reinterpret_cast<const char*>(key.data()), key.size());
  DUET_TRY(sys::write_file_atomic(fresh, bytes, 0600));
  const int linked = ::link(fresh.c_str(), path.c_str());
  const int failure = errno;
  ::unlink(fresh.c_str());
  if (linked != 0 && failure != EEXIST) {
    return Error::from_errno(path, failure);
  }
  return {};
}

}  // namespace

Result<NodeKey> open_node_key(const std::string& path) {
  if (!sys::file_exists(path)) {
    DUET_TRY(make_key(path));
  }
  DUET_ASSIGN(const sys::Fd fd, sys::open_file(path, O_RDONLY | O_NOFOLLOW));
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) {
    return Error::from_errno(path, errno);
  }
  if (status.st_uid != ::geteuid() || (status.st_mode & 0077) != 0) {
    return Error(
        ErrorCode::kPermission,
        path + ": the node's key must belong to user " + std::to_string(::geteuid()) +
            " alone, mode 0600; if others may have seen it, delete it and the compiled code");
  }
  DUET_ASSIGN(const std::string bytes, sys::read_all(fd.get(), 4096));
  NodeKey key{};
  if (bytes.size() != key.size()) {
    return Error(ErrorCode::kCorrupt, path + ": the node's key has " +
                                          std::to_string(bytes.size()) +
                                          " bytes instead of 32; delete it and start again");
  }
  std::copy(bytes.begin(), bytes.end(), key.begin());
  return key;
}

struct Mac::State {
  EVP_MAC* mac = nullptr;
  EVP_MAC_CTX* context = nullptr;
  bool failed = false;
  ~State() {
    ::EVP_MAC_CTX_free(context);
    ::EVP_MAC_free(mac);
  }
};

Mac::Mac(std::unique_ptr<State> state) : state_(std::move(state)) {}
Mac::~Mac() = default;
Mac::Mac(Mac&& other) noexcept = default;

Result<Mac> Mac::begin(const NodeKey& key) {
  auto state = std::make_unique<State>();
  state->mac = ::EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  state->context = state->mac == nullptr ? nullptr : ::EVP_MAC_CTX_new(state->mac);
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      ::OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      ::OSSL_PARAM_construct_end()};
  if (state->context == nullptr ||
      ::EVP_MAC_init(state->context, key.data(), key.size(), parameters) != 1) {
    return internal("OpenSSL has no HMAC-SHA256");
  }
  return Mac(std::move(state));
}

void Mac::add(std::string_view bytes) {
  if (::EVP_MAC_update(state_->context, reinterpret_cast<const unsigned char*>(bytes.data()),
                       bytes.size()) != 1) {
    state_->failed = true;
  }
}

Result<std::string> Mac::finish() && {
  std::array<uint8_t, 32> value{};
  size_t size = 0;
  if (state_->failed || ::EVP_MAC_final(state_->context, value.data(), &size, value.size()) != 1 ||
      size != value.size()) {
    return internal("OpenSSL could not compute an HMAC-SHA256");
  }
  return hexadecimal(value.data(), value.size());
}

bool equal_secrets(std::string_view one, std::string_view other) {
  return one.size() == other.size() && ::CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

struct Sha256::State {
  EVP_MD_CTX* context = ::EVP_MD_CTX_new();
  bool failed = false;
  ~State() { ::EVP_MD_CTX_free(context); }
};

Sha256::Sha256(std::unique_ptr<State> state) : state_(std::move(state)) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&& other) noexcept = default;

Result<Sha256> Sha256::begin() {
  auto state = std::make_unique<State>();
  if (state->context == nullptr ||
      ::EVP_DigestInit_ex(state->context, ::EVP_sha256(), nullptr) != 1) {
    return internal("OpenSSL has no SHA-256");
  }
  return Sha256(std::move(state));
}

void Sha256::add(std::string_view bytes) {
  if (::EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) != 1) {
    state_->failed = true;
  }
}

Result<std::string> Sha256::finish() && {
  std::array<uint8_t, 32> value{};
  if (state_->failed || ::EVP_DigestFinal_ex(state_->context, value.data(), nullptr) != 1) {
    return internal("OpenSSL could not compute a SHA-256");
  }
  return hexadecimal(value.data(), value.size());
}

}  // namespace duet::wasm
