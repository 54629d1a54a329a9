#include "net/certificate_request.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

namespace duet::net {
namespace {

std::string describe(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> in(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  const std::unique_ptr<X509_REQ, decltype(&X509_REQ_free)> request(
      PEM_read_bio_X509_REQ(in.get(), nullptr, nullptr, nullptr), X509_REQ_free);
  if (!request || X509_REQ_verify(request.get(), X509_REQ_get0_pubkey(request.get())) != 1) {
    return "no request, or not signed";
  }
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  X509_REQ_print_ex(out.get(), request.get(), 0, 0);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

TEST(CertificateRequest, SaysWhoAsksAndIsSigned) {
  const auto key = make_private_key();
  ASSERT_TRUE(key.ok());
  const auto request = make_certificate_request({.organization = "system:nodes",
                                                 .common_name = "system:node:edge-1",
                                                 .dns_names = {"edge-1"},
                                                 .ip_addresses = {"10.0.0.7", "fd00::7"}},
                                                *key);
  ASSERT_TRUE(request.ok()) << request.error().message();
  const std::string text = describe(*request);
  EXPECT_NE(text.find("Subject: O=system:nodes, CN=system:node:edge-1"), std::string::npos) << text;
  EXPECT_NE(text.find("DNS:edge-1, IP Address:10.0.0.7, IP Address:FD00"), std::string::npos)
      << text;
}

TEST(CertificateRequest, RefusesNamesThatWouldBeMore) {
  const auto key = make_private_key();
  ASSERT_TRUE(key.ok());
  EXPECT_FALSE(make_certificate_request({.dns_names = {"a,IP:1.2.3.4"}}, *key).ok());
  EXPECT_FALSE(make_certificate_request({.ip_addresses = {"a"}}, *key).ok());
  EXPECT_FALSE(make_certificate_request({.common_name = "a"}, "no key").ok());
}

}  // namespace
}  // namespace duet::net
