#pragma once

#include <openssl/x509_vfy.h>

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace duet::net {

// Certificate authorities by their names. They are kept as they are encoded: to read the public
// keys of all that a system has takes OpenSSL 30 ms and a megabyte, and one site's servers need a
// few. Not thread-safe.
class Authorities {
 public:
  // Adds the certificates of `pem`. kInvalid: there is none, or some are damaged; the others were
  // added.
  Status add(std::string_view pem);
  std::size_t size() const;

  // Gives away those whose subject may be `name`, DER.
  std::vector<std::string> take(const X509_NAME* name);

 private:
  std::unordered_multimap<unsigned long, std::string> by_subject_;  // the name's hash
};

struct FreeStore {
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
};
using TrustStore = std::unique_ptr<X509_STORE, FreeStore>;

// A store that takes what a chain needs from `authorities`, and keeps it read. A chain may end at
// any certificate of them, whether it is signed by itself or not.
Result<TrustStore> make_trust_store(Authorities authorities);

}  // namespace duet::net
