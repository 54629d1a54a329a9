// Enough JSON (RFC 8259) to find the members of an object without a copy.
#include <string.h>

#include "filter.h"

typedef struct {
  const uint8_t* at;
  const uint8_t* end;
} Scanner;

static void skip_space(Scanner* scan) {
  while (scan->at < scan->end && strchr(" \t\r\n", *scan->at) != NULL && *scan->at != 0) scan->at++;
}

static bool take(Scanner* scan, char wanted) {
  skip_space(scan);
  if (scan->at == scan->end || *scan->at != (uint8_t)wanted) return false;
  scan->at++;
  return true;
}

// With its quotes.
static bool take_string(Scanner* scan, Text* value) {
  skip_space(scan);
  const uint8_t* start = scan->at;
  if (!take(scan, '"')) return false;
  for (; scan->at < scan->end && *scan->at != '"'; scan->at++) {
    if (*scan->at == '\\' && ++scan->at == scan->end) return false;
  }
  if (!take(scan, '"')) return false;
  *value = (Text){(uint8_t*)start, (size_t)(scan->at - start)};
  return true;
}

// A value of any kind; of objects and lists only the brackets are held against each other.
static bool take_value(Scanner* scan, Text* value) {
  skip_space(scan);
  if (scan->at < scan->end && *scan->at == '"') return take_string(scan, value);
  const uint8_t* start = scan->at;
  for (int depth = 0; scan->at < scan->end; scan->at++) {
    uint8_t byte = *scan->at;
    Text ignored;
    if (byte == '"') {
      if (!take_string(scan, &ignored)) return false;
      scan->at--;
    } else if (byte == '{' || byte == '[') {
      depth++;
    } else if (byte == '}' || byte == ']') {
      if (depth-- == 0) break;
    } else if (byte == ',' && depth == 0) {
      break;
    }
  }
  *value = (Text){(uint8_t*)start, (size_t)(scan->at - start)};
  while (value->len > 0 && value->ptr[value->len - 1] <= ' ') value->len--;
  return value->len > 0;
}

Text json_unquoted(Text value) {
  bool is_string = value.len >= 2 && value.ptr[0] == '"';
  return is_string ? (Text){value.ptr + 1, value.len - 2} : value;
}

// Goes through the members. False: it is no object.
static bool scan_object(Text object, const char* name, Text* value, bool* found) {
  Scanner scan = {object.ptr, object.ptr + object.len};
  *found = false;
  if (!take(&scan, '{')) return false;
  Text key, member;
  while (take_string(&scan, &key) && take(&scan, ':') && take_value(&scan, &member)) {
    if (name != NULL && text_equals(json_unquoted(key), text(name))) {  // the last one counts
      *value = member;
      *found = true;
    }
    if (!take(&scan, ',')) break;
  }
  if (!take(&scan, '}')) return false;
  skip_space(&scan);
  return scan.at == scan.end;
}

bool json_member(Text object, const char* name, Text* value) {
  bool found;
  return scan_object(object, name, value, &found) && found;
}

bool is_json_object(Text object) {
  bool found;
  return scan_object(object, NULL, NULL, &found);
}
