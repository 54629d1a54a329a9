#include "net/trust_store.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <optional>

#include "net/openssl_error.h"
#include "net/pem.h"

namespace duet::net {
namespace {

struct Asn1Object {
  int tag = 0;
  int tag_class = 0;
  std::string_view whole;
  std::string_view content;
};

// The object at the start of `der`, which goes on behind it. Nothing: there is none that is whole.
std::optional<Asn1Object> next_object(std::string_view& der) {
  constexpr int kDamaged = 0x80;
  constexpr int kWithoutLength = 0x01;
  const auto* begin = reinterpret_cast<const unsigned char*>(der.data());
  const unsigned char* content = begin;
  long size = 0;
  Asn1Object object;
  const int form = ASN1_get_object(&content, &size, &object.tag, &object.tag_class,
                                   static_cast<long>(der.size()));
  if ((form & (kDamaged | kWithoutLength)) != 0) {
    return std::nullopt;
  }
  const auto head_size = static_cast<std::size_t>(content - begin);
  object.whole = der.substr(0, head_size + static_cast<std::size_t>(size));
  object.content = object.whole.substr(head_size);
  der.remove_prefix(object.whole.size());
  return object;
}

// The subject's field in a certificate (RFC 5280 section 4.1), without reading the rest.
std::optional<std::string_view> find_subject(std::string_view der) {
  constexpr int kBeforeSubject = 4;  // serial number, signature, issuer, validity
  const auto certificate = next_object(der);
  std::string_view rest = certificate ? certificate->content : std::string_view();
  const auto to_be_signed = next_object(rest);
  rest = to_be_signed ? to_be_signed->content : std::string_view();
  auto field = next_object(rest);
  if (field && field->tag_class == V_ASN1_CONTEXT_SPECIFIC) {  // the version, if it is told
    field = next_object(rest);
  }
  for (int i = 0; i < kBeforeSubject && field; ++i) {
    field = next_object(rest);
  }
  return field ? std::optional(field->whole) : std::nullopt;
}

// Equal names have equal hashes, however they are encoded.
std::optional<unsigned long> hash_of(const X509_NAME* name) {
  int done = 0;
  const unsigned long hash = X509_NAME_hash_ex(name, nullptr, nullptr, &done);
  return done == 1 ? std::optional(hash) : std::nullopt;
}

std::optional<unsigned long> subject_hash(std::string_view der) {
  const auto subject = find_subject(der);
  if (!subject) {
    return std::nullopt;
  }
  const auto* at = reinterpret_cast<const unsigned char*>(subject->data());
  const std::unique_ptr<X509_NAME, decltype(&X509_NAME_free)> name(
      d2i_X509_NAME(nullptr, &at, static_cast<long>(subject->size())), X509_NAME_free);
  return name ? hash_of(name.get()) : std::nullopt;
}

std::unique_ptr<X509, FreeX509> read_certificate(std::string_view der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  return std::unique_ptr<X509, FreeX509>(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
}

// OpenSSL asks for what its store does not have yet; what it finds it borrows from the store.
int find_authority(X509_LOOKUP* lookup, X509_LOOKUP_TYPE type, const X509_NAME* name,
                   X509_OBJECT* found) {
  if (type != X509_LU_X509) {
    return 0;
  }
  auto& authorities = *static_cast<Authorities*>(X509_LOOKUP_get_method_data(lookup));
  int result = 0;
  for (const std::string& der : authorities.take(name)) {
    const auto certificate = read_certificate(der);
    if (!certificate ||
        X509_STORE_add_cert(X509_LOOKUP_get_store(lookup), certificate.get()) != 1) {
      continue;
    }
    if (result == 0 && X509_NAME_cmp(X509_get_subject_name(certificate.get()), name) == 0) {
      result = X509_OBJECT_set1_X509(found, certificate.get());
      X509_free(certificate.get());  // the reference that set1 took: nobody would give it back
    }
  }
  return result;
}

void free_authorities(X509_LOOKUP* lookup) {
  delete static_cast<Authorities*>(X509_LOOKUP_get_method_data(lookup));
}

X509_LOOKUP_METHOD* lookup_method() {
  // Made once; what it leads to are functions alone.
  static X509_LOOKUP_METHOD* const method = [] {
    X509_LOOKUP_METHOD* made = X509_LOOKUP_meth_new("authorities");
    X509_LOOKUP_meth_set_get_by_subject(made, find_authority);
    X509_LOOKUP_meth_set_free(made, free_authorities);
    return made;
  }();
  return method;
}

}  // namespace

Status Authorities::add(std::string_view pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  std::size_t count = 0;
  std::size_t damaged = 0;  // the number of the first
  for (;;) {
    char* label = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    const bool read = PEM_read_bio(text.get(), &label, &header, &data, &size) == 1;
    const bool over = !read && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (over) {
      break;
    }
    ++count;
    const std::string_view der(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    const auto hash =
        read && std::string_view(label) == PEM_STRING_X509 ? subject_hash(der) : std::nullopt;
    if (hash) {
      by_subject_.emplace(*hash, der);
    } else if (damaged == 0) {
      damaged = count;
    }
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_free(data);
  }
  ERR_clear_error();
  if (count == 0) {
    return invalid("there is no certificate in PEM");
  }
  return damaged == 0 ? Status()
                      : Status(invalid("PEM block " + std::to_string(damaged) +
                                       " is damaged, or no certificate"));
}

std::size_t Authorities::size() const { return by_subject_.size(); }

std::vector<std::string> Authorities::take(const X509_NAME* name) {
  std::vector<std::string> taken;
  const auto hash = hash_of(name);
  if (!hash) {
    return taken;
  }
  const auto [begin, end] = by_subject_.equal_range(*hash);
  for (auto one = begin; one != end; ++one) {
    taken.push_back(std::move(one->second));
  }
  by_subject_.erase(begin, end);
  return taken;
}

Result<TrustStore> make_trust_store(Authorities authorities) {
  TrustStore store(X509_STORE_new());
  X509_LOOKUP* lookup = store ? X509_STORE_add_lookup(store.get(), lookup_method()) : nullptr;
  if (lookup == nullptr) {
    return openssl_error("making a store of certificate authorities");
  }
  X509_LOOKUP_set_method_data(lookup, new Authorities(std::move(authorities)));
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  return store;
}

}  // namespace duet::net
