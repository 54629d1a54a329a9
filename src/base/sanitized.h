#pragma once

// Whether AddressSanitizer or ThreadSanitizer is compiled in. Their shadow memory is larger than
// any limit that a process would set itself, and what was freed stays with them for a while.
namespace duet {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)  // g++
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)  // clang++
inline constexpr bool kSanitized =
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace duet
