#include "net/certificate.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <memory>

#include "net/ip_address.h"
#include "net/pem.h"

namespace duet::net {
namespace {

constexpr int kSecurityBits = 112;  // RSA of 2048 bits; what OpenSSL's level 2 asks for

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::int64_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

std::string_view bytes_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

void add_alternative_names(const X509* certificate, CertificateInfo& info) {
  auto* all = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all, i);
    if (name->type == GEN_DNS) {
      info.names.push_back(lower(bytes_of(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      if (const auto address = IpAddress::from_bytes(bytes_of(name->d.iPAddress))) {
        info.addresses.push_back(address->text());
      }
    }
  }
  GENERAL_NAMES_free(all);
}

std::string common_name_of(const X509* certificate) {
  std::array<char, 256> name{};
  const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                             name.data(), name.size());
  return size > 0 ? std::string(name.data(), static_cast<std::size_t>(size)) : std::string();
}

std::string text_of(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return {data, static_cast<std::size_t>(size)};
}

Status sign(X509* certificate, EVP_PKEY* key, const std::string& name) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
  // The end is the one of RFC 5280 section 4.1.2.5 for certificates that have none.
  const bool done =
      X509_set_version(certificate, X509_VERSION_3) == 1 &&
      ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
      ASN1_TIME_set_string(X509_getm_notBefore(certificate), "20200101000000Z") == 1 &&
      ASN1_TIME_set_string(X509_getm_notAfter(certificate), "99991231235959Z") == 1 &&
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1 &&
      X509_set_issuer_name(certificate, subject) == 1 && X509_set_pubkey(certificate, key) == 1 &&
      X509_sign(certificate, key, EVP_sha256()) > 0;
  return done ? Status() : Status(internal("a self-signed certificate could not be made"));
}

}  // namespace

Result<CertificateInfo> check_certificate(std::string_view chain_pem, std::string_view key_pem) {
  DUET_ASSIGN(const Chain chain, read_chain(chain_pem));
  DUET_ASSIGN(const Key key, read_key(key_pem));
  X509* leaf = chain.front().get();
  if (X509_check_private_key(leaf, key.get()) != 1) {
    ERR_clear_error();
    return invalid("the private key does not belong to the certificate");
  }
  if (EVP_PKEY_get_security_bits(key.get()) < kSecurityBits) {
    return invalid("the key is too weak: " + std::to_string(EVP_PKEY_get_bits(key.get())) +
                   " bits");
  }
  CertificateInfo info{.common_name = common_name_of(leaf),
                       .not_before_s = seconds_of(X509_get0_notBefore(leaf)),
                       .not_after_s = seconds_of(X509_get0_notAfter(leaf))};
  add_alternative_names(leaf, info);
  return info;
}

bool name_covers(std::string_view name, std::string_view host) {
  if (name == host) {
    return true;
  }
  const std::size_t dot = host.find('.');
  return name.starts_with("*.") && dot != std::string_view::npos && dot > 0 &&
         name.substr(1) == host.substr(dot);
}

Result<SelfSigned> make_self_signed(const std::string& name) {
  const Key key(EVP_EC_gen("P-256"));
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
  if (!key || !certificate) {
    return internal("a key for a self-signed certificate could not be made");
  }
  DUET_TRY(sign(certificate.get(), key.get(), name));
  const std::unique_ptr<BIO, decltype(&BIO_free)> chain(BIO_new(BIO_s_mem()), BIO_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> secret(BIO_new(BIO_s_secmem()), BIO_free);
  if (PEM_write_bio_X509(chain.get(), certificate.get()) != 1 ||
      PEM_write_bio_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1) {
    return internal("a self-signed certificate could not be written");
  }
  return SelfSigned{text_of(chain.get()), text_of(secret.get())};
}

}  // namespace duet::net
