#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "wasm/program.h"

// The specification of a program as bytes, from whoever starts a sandbox to the sandbox.
//
// A sequence of records, each a tag character, a text and a zero byte: 'a' argument, 'e'
// environment entry; 'h' host path, 'g' guest path and 'o' ("ro" or "rw") in this order for each
// mount; 'm' memory limit in bytes, 'u' user, 'i' group, 'n' network ("0" or "1"); last of all '.'
// with nothing.
namespace duet::wasm {

inline constexpr size_t kLaunchSpecLimitBytes = 1 << 20;
inline constexpr size_t kMountLimit = 256;

// kInvalid for what cannot be written so or would mean nothing: zero bytes, no arguments,
// environment entries without '=', host paths that are not absolute.
Result<std::string> encode_launch_spec(const ProgramSpec& spec);

Result<ProgramSpec> decode_launch_spec(std::string_view bytes);

// Descriptors that a sandbox is started with.
inline constexpr int kSpecFd = 3;
inline constexpr int kCodeFd = 4;

}  // namespace duet::wasm
