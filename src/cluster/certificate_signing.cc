#include "cluster/certificate_signing.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <array>
#include <optional>

#include "base/base64.h"
#include "cluster/backoff.h"
#include "cluster/json_field.h"
#include "net/pem.h"
#include "sys/file.h"

namespace duet::cluster {
namespace {

constexpr std::size_t kKeyBytes = 1 << 20;
constexpr const char* kPath = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

Json object_of(const SigningRequest& request) {
  return {{"apiVersion", "certificates.k8s.io/v1"},
          {"kind", "CertificateSigningRequest"},
          {"metadata", {{"name", request.name}}},
          {"spec",
           {{"signerName", request.signer},
            {"request", base64_encode(request.request_pem)},
            {"usages", request.usages}}}};
}

// The chain, once it is there; nothing: not yet. kPermission: it never will be.
Result<std::optional<std::string>> outcome_of(const Json& object) {
  const auto status = object.find("status");
  if (status == object.end() || !status->is_object()) {
    return std::optional<std::string>();
  }
  if (const auto conditions = status->find("conditions");
      conditions != status->end() && conditions->is_array()) {
    for (const Json& condition : *conditions) {
      const std::string type = text_of(condition, "type");
      if (type == "Denied" || type == "Failed") {
        return Error(ErrorCode::kPermission, "the certificate was refused (" + type +
                                                 "): " + text_of(condition, "message"));
      }
    }
  }
  const std::string encoded = text_of(*status, "certificate");
  if (encoded.empty()) {
    return std::optional<std::string>();
  }
  DUET_ASSIGN(std::string chain, base64_decode(encoded));
  return std::optional(std::move(chain));
}

// Follows the request until a watch ends. Nothing: not yet.
Result<std::optional<std::string>> follow(ApiClient& api, const std::string& name,
                                          const std::string& version) {
  constexpr const char* kWatchSeconds = "60";
  DUET_ASSIGN(const auto watch, api.watch(kPath,
                                          {{"fieldSelector", "metadata.name=" + name},
                                           {"timeoutSeconds", kWatchSeconds}},
                                          version));
  for (;;) {
    DUET_ASSIGN(const auto event, watch->next());
    if (!event) {
      return std::optional<std::string>();
    }
    if (event->type == ApiWatch::Type::kDeleted) {
      return Error(ErrorCode::kNotFound, "the request " + name + " was deleted");
    }
    DUET_ASSIGN(auto chain, outcome_of(event->object));
    if (chain) {
      return chain;
    }
  }
}

}  // namespace

Result<std::string> have_signed(ApiClient& api, const SigningRequest& request,
                                const sys::Clock& clock, sys::Random& random, sys::Duration limit,
                                const std::stop_token& stop) {
  constexpr std::int64_t kFirstPauseMs = 1'000;
  constexpr std::int64_t kLongestPauseMs = 30'000;
  Backoff backoff(kFirstPauseMs, kLongestPauseMs, random);
  const auto end = clock.monotonic() + limit;
  const auto made = api.create(kPath, object_of(request));
  if (!made.ok() && made.error().code() != ErrorCode::kAlreadyExists) {
    return made.error();
  }
  while (!stop.stop_requested()) {
    DUET_ASSIGN(const Json object, api.get(std::string(kPath) + "/" + request.name));
    DUET_ASSIGN(auto chain, outcome_of(object));
    if (!chain) {
      DUET_ASSIGN(chain, follow(api, request.name, resource_version_of(object)));
    }
    if (chain) {
      return std::move(*chain);
    }
    if (clock.monotonic() >= end) {
      return Error(ErrorCode::kTimeout, "nobody approved the certificate request " + request.name +
                                            "; kubectl certificate approve " + request.name);
    }
    pause_for(stop, backoff.next_ms());
  }
  return Error(ErrorCode::kUnavailable, "stopping");
}

namespace {

// The same for the same key: it ends with a hash of its public part.
Result<std::string> request_name(const std::string& prefix, const std::string& key_pem) {
  constexpr std::size_t kHashBytes = 10;  // enough to tell keys apart
  DUET_ASSIGN(const net::Key key, net::read_key(key_pem));
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key.get(), &der);
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  const bool done = size > 0 && EVP_Digest(der, static_cast<std::size_t>(size), hash.data(),
                                           nullptr, EVP_sha256(), nullptr) == 1;
  OPENSSL_free(der);
  if (!done) {
    return internal("the hash of a public key could not be made");
  }
  std::string name = prefix + "-";
  for (std::size_t i = 0; i < kHashBytes; ++i) {
    name += "0123456789abcdef"[hash.at(i) >> 4];
    name += "0123456789abcdef"[hash.at(i) & 15];
  }
  return name;
}

// The key of a request that was made and not answered yet, or a new one.
Result<std::string> pending_key(const std::string& file) {
  if (sys::file_exists(file)) {
    auto key = sys::read_file(file, kKeyBytes);
    if (key.ok() && net::read_key(*key).ok()) {
      return key;
    }
  }
  DUET_ASSIGN(std::string key, net::make_private_key());
  DUET_TRY(sys::make_directories(file.substr(0, file.rfind('/')), 0700));
  DUET_TRY(sys::write_file_atomic(file, key, 0600));
  return key;
}

}  // namespace

Result<PreparedRequest> prepare(const CertificateOrder& order) {
  PreparedRequest out;
  DUET_ASSIGN(out.key_pem, pending_key(order.key_file));
  DUET_ASSIGN(out.request.request_pem, net::make_certificate_request(order.subject, out.key_pem));
  DUET_ASSIGN(out.request.name, request_name(order.name_prefix, out.key_pem));
  out.request.signer = order.signer;
  out.request.usages = order.usages;
  return out;
}

std::int64_t renewal_time_s(const net::CertificateInfo& info, sys::Random& random) {
  constexpr std::int64_t kLeastPercent = 70;
  constexpr std::int64_t kMostPercent = 90;
  const std::int64_t percent =
      kLeastPercent + random_below(random, kMostPercent - kLeastPercent + 1);
  return info.not_before_s + (info.not_after_s - info.not_before_s) / 100 * percent;
}

}  // namespace duet::cluster
