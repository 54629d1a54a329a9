#pragma once

#include <string>

#include "base/result.h"
#include "oci/manifest.h"

// Which manifest of an index is for this machine. Functions are pure.
namespace duet::oci {

// What the caller will run. A publisher may offer the same name for Linux and for Wasm.
enum class Wanted {
  // This machine's own platform if the index has it, else Wasm. What Kubernetes means without
  // runtimeClassName.
  kAny,
  // Wasm only: runtimeClassName wasm, or a nodeSelector for wasm32-wasi.
  kWasm,
};

// linux and the architecture duet was built for, as Go names it.
Platform host_platform();

// True for wasi, wasip1, wasip2 (os) with wasm or wasm32 (architecture), and for the other order
// and the spellings seen in the field (os linux or js, architecture wasm32 ...).
bool is_wasm_platform(const Platform& platform);

// The entry of `index` to use, by this rule: of the entries that fit (attestations and other
// artifacts without a platform are skipped when there is a choice), the host's platform with the
// nearest variant wins, then Wasm: wasip2, wasip1, wasi. An index of a single entry without a
// platform is that entry. kNotFound lists the platforms that the index has.
Result<IndexEntry> select_entry(const Index& index, const Platform& host, Wanted wanted);

}  // namespace duet::oci
