// Makes another JSON object of the one that the next step answers: with the members that KEEP names
// ("id,name"), and no others. Answers that are no JSON object are refused, so that nothing slips
// through.
#include <string.h>

#include "filter.h"

enum { kAnswerBytes = 1 << 20, kNameBytes = 64 };

static Text joined;
static uint8_t space[2 * kAnswerBytes];

static void append(Text bytes) {
  if (joined.len + bytes.len > sizeof space) stop();
  memcpy(joined.ptr + joined.len, bytes.ptr, bytes.len);
  joined.len += bytes.len;
}

static void append_member(Text name, Text value) {
  append(text(joined.len == 1 ? "\"" : ",\""));
  append(name);
  append(text("\":"));
  append(value);
}

static void keep(Text object, Text names) {
  joined = (Text){space, 0};
  append(text("{"));
  while (names.len > 0) {
    uint8_t* comma = memchr(names.ptr, ',', names.len);
    size_t size = comma == NULL ? names.len : (size_t)(comma - names.ptr);
    char name[kNameBytes] = {0};
    memcpy(name, names.ptr, size < kNameBytes ? size : kNameBytes - 1);
    Text value;
    if (json_member(object, name, &value)) append_member(text(name), value);
    names.ptr += size + (comma != NULL);
    names.len -= size + (comma != NULL);
  }
  append(text("}\n"));
}

void handle(Request request, ResponseOut out) {
  Text names, part, all = {allocate(kAnswerBytes), 0};
  Response response;
  HttpError error;
  if (!environment("KEEP", &names)) stop();
  if (!ask_next(request, copy_headers(request_headers(request)), &response, &error)) {
    refuse(out, &error);
    return;
  }
  Reader reader = read_response(response);
  while (read_body(&reader, kAnswerBytes, &part)) {
    if (all.len + part.len > kAnswerBytes) stop();
    memcpy(all.ptr + all.len, part.ptr, part.len);
    all.len += part.len;
  }
  wasi_http_types_borrow_incoming_response_t answered =
      wasi_http_types_borrow_incoming_response(response);
  uint16_t status = wasi_http_types_method_incoming_response_status(answered);
  if (!is_json_object(all)) {
    answer(out, 502, text("the answer is no JSON object\n"));
    return;
  }
  keep(all, names);
  Fields headers = wasi_http_types_constructor_fields();
  set_header(headers, "content-type", text("application/json"));
  Writer writer = begin(out, status, headers);
  write_body(&writer, joined);
  end_body(&writer, NULL);
}
