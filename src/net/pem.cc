#include "net/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

namespace duet::net {
namespace {

using Memory = std::unique_ptr<BIO, decltype(&BIO_free)>;

Memory memory_of(std::string_view text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

// Nobody is there to type a passphrase.
int no_passphrase(char*, int, int, void*) { return -1; }

}  // namespace

Result<Chain> read_chain(std::string_view pem) {
  const Memory memory = memory_of(pem);
  Chain chain;
  while (chain.size() <= kChainCertificates) {
    X509* one = PEM_read_bio_X509(memory.get(), nullptr, no_passphrase, nullptr);
    if (one == nullptr) {
      break;
    }
    chain.emplace_back(one);
  }
  const unsigned long error = ERR_peek_last_error();
  ERR_clear_error();
  if (chain.size() > kChainCertificates) {
    return invalid("the certificate chain has more than " + std::to_string(kChainCertificates) +
                   " certificates");
  }
  if (ERR_GET_REASON(error) != PEM_R_NO_START_LINE) {
    return invalid("certificate " + std::to_string(chain.size() + 1) + " of the chain is damaged");
  }
  if (chain.empty()) {
    return invalid("the certificate is not PEM");
  }
  return chain;
}

Result<Key> read_key(std::string_view pem) {
  const Memory memory = memory_of(pem);
  Key key(PEM_read_bio_PrivateKey(memory.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (!key) {
    const bool encrypted = pem.find("ENCRYPTED") != std::string_view::npos;
    const bool begins = pem.find("-----BEGIN ") != std::string_view::npos;
    return invalid(encrypted ? "the private key needs a passphrase"
                   : begins  ? "the private key is damaged, or no private key"
                             : "the private key is not PEM");
  }
  return key;
}

}  // namespace duet::net
