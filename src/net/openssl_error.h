#pragma once

#include "base/result.h"

namespace duet::net {

// kInternal: `what`, and what OpenSSL noted last, which is forgotten.
Error openssl_error(const char* what);

}  // namespace duet::net
