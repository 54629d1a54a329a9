#include <stdlib.h>
#include <string.h>

#include "http.h"

_Noreturn void stop(void) { __builtin_trap(); }

void* allocate(size_t size_bytes) {
  void* memory = malloc(size_bytes);
  if (memory == NULL) stop();
  return memory;
}

Text text(const char* zero_terminated) {
  return (Text){(uint8_t*)zero_terminated, strlen(zero_terminated)};
}

bool text_equals(Text left, Text right) {
  return left.len == right.len && memcmp(left.ptr, right.ptr, left.len) == 0;
}

static uint8_t lower(uint8_t letter) {
  return letter >= 'A' && letter <= 'Z' ? letter + 32 : letter;
}

bool text_equals_ignoring_case(Text left, Text right) {
  if (left.len != right.len) return false;
  for (size_t i = 0; i < left.len; i++) {
    if (lower(left.ptr[i]) != lower(right.ptr[i])) return false;
  }
  return true;
}

Text decimal(uint64_t number, char* digits) {
  size_t length = 1;
  for (uint64_t rest = number / 10; rest > 0; rest /= 10) length++;
  for (size_t i = length; i > 0; i--, number /= 10) digits[i - 1] = (char)('0' + number % 10);
  return (Text){(uint8_t*)digits, length};
}

uint64_t number(Text from, uint64_t fallback) {
  uint64_t value = 0;
  size_t i = 0;
  for (; i < from.len && from.ptr[i] >= '0' && from.ptr[i] <= '9'; i++)
    value = value * 10 + (from.ptr[i] - '0');
  return i > 0 ? value : fallback;
}
