#include "json.h"

#include <string.h>

static const uint64_t kLargestInteger = UINT64_C(1) << 53;

ObjectReader read_object(Text json) {
  return (ObjectReader){.at = json.ptr, .end = json.ptr + json.len, .begun = false};
}

static void skip_space(ObjectReader* reader) {
  while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t' ||
                                      *reader->at == '\n' || *reader->at == '\r')) {
    reader->at++;
  }
}

static bool take(ObjectReader* reader, uint8_t wanted) {
  skip_space(reader);
  if (reader->at == reader->end || *reader->at != wanted) return false;
  reader->at++;
  return true;
}

static bool take_word(ObjectReader* reader, const char* word) {
  size_t size = strlen(word);
  if ((size_t)(reader->end - reader->at) < size || memcmp(reader->at, word, size) != 0)
    return false;
  reader->at += size;
  return true;
}

static bool take_escape(ObjectReader* reader) {
  if (reader->at == reader->end) return false;
  uint8_t letter = *reader->at++;
  if (letter != 'u') return strchr("\"\\/bfnrt", letter) != NULL && letter != 0;
  for (int i = 0; i < 4; i++, reader->at++) {
    if (reader->at == reader->end) return false;
    uint8_t digit = *reader->at | 0x20;
    if (!(digit >= '0' && digit <= '9') && !(digit >= 'a' && digit <= 'f')) return false;
  }
  return true;
}

static bool take_string(ObjectReader* reader, Text* string) {
  if (!take(reader, '"')) return false;
  const uint8_t* start = reader->at;
  while (reader->at < reader->end) {
    uint8_t letter = *reader->at++;
    if (letter == '"') {
      *string = (Text){(uint8_t*)start, (size_t)(reader->at - 1 - start)};
      return true;
    }
    if (letter < 0x20 || (letter == '\\' && !take_escape(reader))) return false;
  }
  return false;
}

static size_t count_digits(const ObjectReader* reader) {
  size_t count = 0;
  while (reader->at + count < reader->end && reader->at[count] >= '0' && reader->at[count] <= '9') {
    count++;
  }
  return count;
}

static bool take_fraction_or_exponent(ObjectReader* reader, bool* present) {
  *present = false;
  if (take_word(reader, ".")) {
    *present = true;
    size_t digits = count_digits(reader);
    if (digits == 0) return false;
    reader->at += digits;
  }
  if (take_word(reader, "e") || take_word(reader, "E")) {
    *present = true;
    if (!take_word(reader, "+")) take_word(reader, "-");
    size_t digits = count_digits(reader);
    if (digits == 0) return false;
    reader->at += digits;
  }
  return true;
}

static bool take_number(ObjectReader* reader, Member* member) {
  bool negative = take_word(reader, "-");
  size_t digits = count_digits(reader);
  if (digits == 0 || (digits > 1 && *reader->at == '0')) return false;
  uint64_t value =
      digits > 16 ? kLargestInteger + 1 : number((Text){(uint8_t*)reader->at, digits}, 0);
  reader->at += digits;
  bool more;
  if (!take_fraction_or_exponent(reader, &more)) return false;
  member->is_integer = !negative && !more && value <= kLargestInteger;
  member->integer = value;
  return true;
}

static bool take_value(ObjectReader* reader, Member* member) {
  skip_space(reader);
  if (reader->at == reader->end) return false;
  if (*reader->at == '"') {
    member->is_string = true;
    return take_string(reader, &member->string);
  }
  if (take_word(reader, "true") || take_word(reader, "false") || take_word(reader, "null"))
    return true;
  return take_number(reader, member);
}

Step next_member(ObjectReader* reader, Member* member) {
  *member = (Member){0};
  bool first = !reader->begun;
  if (first && !take(reader, '{')) return kBroken;
  reader->begun = true;
  if (take(reader, '}')) {
    skip_space(reader);
    return reader->at == reader->end ? kEnd : kBroken;
  }
  if (!first && !take(reader, ',')) return kBroken;
  if (!take_string(reader, &member->name) || !take(reader, ':')) return kBroken;
  return take_value(reader, member) ? kMember : kBroken;
}

static void put_bytes(JsonText* json, const uint8_t* bytes, size_t size_bytes) {
  size_t room = kJsonCapacityBytes - json->size_bytes;
  if (size_bytes > room) size_bytes = room;
  memcpy(json->bytes + json->size_bytes, bytes, size_bytes);
  json->size_bytes += size_bytes;
}

void put(JsonText* json, const char* part) { put_bytes(json, (const uint8_t*)part, strlen(part)); }

void put_number(JsonText* json, uint64_t number) {
  char digits[20];
  Text text = decimal(number, digits);
  put_bytes(json, text.ptr, text.len);
}

void put_string(JsonText* json, Text string) {
  put(json, "\"");
  for (size_t i = 0; i < string.len; i++) {
    uint8_t letter = string.ptr[i];
    if (letter == '"' || letter == '\\') put(json, "\\");
    if (letter < 0x20) letter = ' ';
    put_bytes(json, &letter, 1);
  }
  put(json, "\"");
}

Text json_text(const JsonText* json) { return (Text){(uint8_t*)json->bytes, json->size_bytes}; }
