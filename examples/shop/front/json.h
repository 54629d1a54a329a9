// As much JSON as the shop needs: reading one flat object, writing any text.
#pragma once

#include "http.h"

// One member of an object. A string is the text between its quotes, with its escapes as they came.
typedef struct {
  Text name;
  bool is_string;
  Text string;
  bool is_integer;  // within 0 to 2^53, without fraction or exponent
  uint64_t integer;
} Member;

typedef enum { kMember, kEnd, kBroken } Step;

// Reads the members of an object one after another. Other values than strings, numbers, true, false
// and null count as broken.
typedef struct {
  const uint8_t* at;
  const uint8_t* end;
  bool begun;
} ObjectReader;

ObjectReader read_object(Text json);
// kEnd comes only after the closing brace with nothing but white space behind it.
Step next_member(ObjectReader* reader, Member* member);

// Text that is put together, cut at `capacity` bytes.
enum { kJsonCapacityBytes = 1024 };
typedef struct {
  uint8_t bytes[kJsonCapacityBytes];
  size_t size_bytes;
} JsonText;

void put(JsonText* json, const char* part);
void put_number(JsonText* json, uint64_t number);
// In quotes, escaped.
void put_string(JsonText* json, Text string);
Text json_text(const JsonText* json);
