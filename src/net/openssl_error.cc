#include "net/openssl_error.h"

#include <openssl/err.h>

#include <string>

namespace duet::net {

Error openssl_error(const char* what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return internal(std::string(what) + ": " + (reason != nullptr ? reason : "OpenSSL failed"));
}

}  // namespace duet::net
