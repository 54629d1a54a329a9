#include "net/certificate_request.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

#include "net/ip_address.h"
#include "net/openssl_error.h"
#include "net/pem.h"

namespace duet::net {
namespace {

using Memory = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Request = std::unique_ptr<X509_REQ, decltype(&X509_REQ_free)>;

std::string text_of(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return {data, static_cast<std::size_t>(size)};
}

bool add_to(X509_NAME* name, const char* field, const std::string& value) {
  return value.empty() ||
         X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1;
}

// "DNS:a,IP:10.0.0.1", which OpenSSL reads. A comma in a name would begin another one.
Result<std::string> alternative_names(const CertificateSubject& subject) {
  std::string all;
  for (const std::string& name : subject.dns_names) {
    if (name.empty() || name.find_first_of(",: \n") != std::string::npos) {
      return invalid("\"" + name + "\" is no DNS name");
    }
    all += (all.empty() ? "DNS:" : ",DNS:") + name;
  }
  for (const std::string& address : subject.ip_addresses) {
    if (!IpAddress::parse(address)) {
      return invalid("\"" + address + "\" is no IP address");
    }
    all += (all.empty() ? "IP:" : ",IP:") + address;
  }
  return all;
}

Status add_alternative_names(X509_REQ* request, const CertificateSubject& subject) {
  DUET_ASSIGN(const std::string names, alternative_names(subject));
  if (names.empty()) {
    return {};
  }
  STACK_OF(X509_EXTENSION)* extensions = sk_X509_EXTENSION_new_null();
  X509_EXTENSION* extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
  const bool added = extension != nullptr && sk_X509_EXTENSION_push(extensions, extension) > 0 &&
                     X509_REQ_add_extensions(request, extensions) == 1;
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  return added ? Status() : Status(openssl_error("the names of a certificate request"));
}

}  // namespace

Result<std::string> make_private_key() {
  const Key key(EVP_EC_gen("P-256"));
  const Memory text(BIO_new(BIO_s_secmem()), BIO_free);
  if (!key ||
      PEM_write_bio_PrivateKey(text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return openssl_error("making a private key");
  }
  return text_of(text.get());
}

Result<std::string> make_certificate_request(const CertificateSubject& subject,
                                             const std::string& key_pem) {
  DUET_ASSIGN(const Key key, read_key(key_pem));
  const Request request(X509_REQ_new(), X509_REQ_free);
  X509_NAME* name = request ? X509_REQ_get_subject_name(request.get()) : nullptr;
  if (name == nullptr || !add_to(name, "O", subject.organization) ||
      !add_to(name, "CN", subject.common_name) ||
      X509_REQ_set_pubkey(request.get(), key.get()) != 1) {
    return openssl_error("making a certificate request");
  }
  DUET_TRY(add_alternative_names(request.get(), subject));
  const Memory text(BIO_new(BIO_s_mem()), BIO_free);
  if (X509_REQ_sign(request.get(), key.get(), EVP_sha256()) == 0 ||
      PEM_write_bio_X509_REQ(text.get(), request.get()) != 1) {
    return openssl_error("signing a certificate request");
  }
  return text_of(text.get());
}

}  // namespace duet::net
