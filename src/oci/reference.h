#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "oci/image.h"

// Names of images, as containerd and Docker read them (the grammar of the distribution project's
// reference package): [registry[:port]/]repository[:tag][@digest]. Functions are pure.
namespace duet::oci {

inline constexpr size_t kReferenceLimitBytes = 1024;

// A normalised reference. Docker Hub's short forms are written out (redis is
// docker.io/library/redis:latest). With a digest, the tag is only a remark.
struct Reference {
  std::string registry;    // docker.io, ghcr.io, localhost:5000, [::1]:5000
  std::string repository;  // library/redis
  std::string tag;  // "latest" when neither tag nor digest was given; may be empty with a digest
  Digest digest;    // empty: by tag

  // The whole name: docker.io/library/redis:7, or docker.io/library/redis:7@sha256:...
  std::string name() const;
  // What comes after .../manifests/ in the distribution API: the digest if there is one, else the
  // tag.
  const std::string& version() const { return digest.empty() ? tag : digest; }
  // Host and port to connect to: registry-1.docker.io for Docker Hub, else the registry.
  std::string endpoint() const;
  bool operator==(const Reference&) const = default;
};

// Reads `text`; kInvalid says what is wrong with it and where.
Result<Reference> parse_reference(std::string_view text);

// `parse_reference(text)->name()`.
Result<std::string> normalize_reference(std::string_view text);

// True for localhost, 127.0.0.0/8 and ::1, with or without port: there plain HTTP is allowed
// unasked, as Docker does.
bool is_loopback_registry(std::string_view registry);

}  // namespace duet::oci
