#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "object/object.h"

// The marks by which a source knows its own objects again, also after a restart: annotations.
namespace duet::source {

inline constexpr const char* kSourceFileAnnotation = "duet.edge/source-file";
inline constexpr const char* kSourceHashAnnotation = "duet.edge/source-hash";

// What an object of a manifest is, in short: two hashes, so that a change of the spec alone shows.
struct Fingerprint {
  std::string whole;
  std::string spec;
  bool operator==(const Fingerprint&) const = default;
};
Result<Fingerprint> fingerprint_of(const object::Object& object);

struct Ownership {
  std::string source;  // "folder"; empty: no source's
  std::string file;
  Fingerprint fingerprint;
  bool deleting = false;  // marked by a graceful delete
};
// Whose the stored object is.
Ownership ownership_of(const object::Object& stored);

// `object` with the marks.
Result<object::Object> with_ownership(const object::Object& object, const std::string& source,
                                      const std::string& file, const Fingerprint& fingerprint);

}  // namespace duet::source
