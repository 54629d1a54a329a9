// libFuzzer: the documents of an image, as a registry or an archive may write them.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "oci/auth.h"
#include "oci/helper_protocol.h"
#include "oci/image_reader.h"
#include "oci/reference.h"

using namespace duet::oci;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)document_kind("", text);
  if (const auto index = parse_index(text); index.ok()) {
    (void)select_entry(*index, host_platform(), Wanted::kAny);
    if (!parse_index(index_json(*index)).ok()) {
      __builtin_trap();  // what was read must be writable and readable again
    }
  }
  // One text in every role: manifest, index and configuration.
  const Descriptor target{"", "sha256:" + std::string(64, '0'), static_cast<int64_t>(size), {}};
  (void)read_image(target, Wanted::kAny,
                   [&](const Descriptor&) { return duet::Result<std::string>(std::string(text)); });
  if (const auto reference = parse_reference(text); reference.ok()) {
    const auto again = parse_reference(reference->name());
    if (!again.ok() || !(*again == *reference)) {
      __builtin_trap();  // a normalised name is its own normal form
    }
    (void)find_credentials(text, *reference);
  }
  (void)find_credentials(text, {.registry = "docker.io", .repository = "library/x", .tag = "y"});
  (void)parse_challenge(text);
  (void)decode_event(text);
  return 0;
}
