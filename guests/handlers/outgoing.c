// Makes the outgoing request that the headers describe and relays its answer: x-url (required),
// x-method (GET when absent), x-connect-timeout-ms, x-timeout-ms (to the first byte),
// x-between-timeout-ms (from then on, between bytes). The body of the request, unless the
// method is GET or HEAD, goes along. An error of the host is answered 502 with
// "error-code <number>", the case of wasi:http's error-code.
#include <string.h>

#include "http.h"

static void fail(ResponseOut out, const HttpError* error) {
  static char line[40] = "error-code ";
  Text digits = decimal(error->tag, line + strlen("error-code "));
  line[strlen("error-code ") + digits.len] = '\n';
  answer(out, 502, text(line));
}

static void send_body(Request request, Writer* writer) {
  Reader reader = read_request(request);
  Text part;
  while (read_body(&reader, 65536, &part)) {
    if (!write_body(writer, part)) break;
  }
}

static uint64_t milliseconds(Fields headers, const char* name) {
  Text value;
  return header(headers, name, &value) ? number(value, 1000) : 0;
}

void handle(Request request, ResponseOut out) {
  Fields headers = request_headers(request);
  Call call = {.headers = wasi_http_types_constructor_fields()};
  Text value;
  if (!header(headers, "x-url", &value) || !parse_url(value, &call.url)) {
    answer(out, 400, text("the header x-url must hold an http or https URL\n"));
    return;
  }
  call.method = method_of(header(headers, "x-method", &value) ? value : text("GET"));
  call.connect_timeout_ms = milliseconds(headers, "x-connect-timeout-ms");
  call.first_byte_timeout_ms = milliseconds(headers, "x-timeout-ms");
  call.between_bytes_timeout_ms = milliseconds(headers, "x-between-timeout-ms");
  Writer writer;
  PendingAnswer pending;
  Response response;
  HttpError error;
  if (!start_call(&call, &writer, &pending, &error)) {
    fail(out, &error);
    return;
  }
  if (call.method.tag != WASI_HTTP_TYPES_METHOD_GET &&
      call.method.tag != WASI_HTTP_TYPES_METHOD_HEAD) {
    send_body(request, &writer);
  }
  end_body(&writer, NULL);
  if (await_answer(pending, &response, &error)) {
    relay(response, out);
  } else {
    fail(out, &error);
  }
}
