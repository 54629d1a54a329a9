#include "http.h"

#include <string.h>

static const char* const kMethods[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                       "CONNECT", "OPTIONS", "TRACE", "PATCH"};

void exports_wasi_http_incoming_handler_handle(Request request, ResponseOut out) {
  handle(request, out);
}

static Text path_with_query(Request request) {
  Text path;
  return wasi_http_types_method_incoming_request_path_with_query(
             wasi_http_types_borrow_incoming_request(request), &path)
             ? path
             : text("/");
}

Text request_path(Request request) {
  Text path = path_with_query(request);
  uint8_t* mark = memchr(path.ptr, '?', path.len);
  if (mark != NULL) path.len = (size_t)(mark - path.ptr);
  return path;
}

bool query(Request request, const char* name, Text* value) {
  Text rest = path_with_query(request);
  Text wanted = text(name);
  const uint8_t* end = rest.ptr + rest.len;
  uint8_t* at = memchr(rest.ptr, '?', rest.len);
  while (at != NULL) {
    uint8_t* start = at + 1;
    at = memchr(start, '&', (size_t)(end - start));
    size_t size = (size_t)((at == NULL ? end : at) - start);
    if (size > wanted.len && start[wanted.len] == '=' &&
        memcmp(start, wanted.ptr, wanted.len) == 0) {
      *value = (Text){start + wanted.len + 1, size - wanted.len - 1};
      return true;
    }
  }
  return false;
}

uint64_t query_number(Request request, const char* name, uint64_t fallback) {
  Text value;
  return query(request, name, &value) ? number(value, fallback) : fallback;
}

Text method_name(const wasi_http_types_method_t* method) {
  if (method->tag == WASI_HTTP_TYPES_METHOD_OTHER) return method->val.other;
  return text(kMethods[method->tag]);
}

wasi_http_types_method_t method_of(Text name) {
  for (uint8_t tag = 0; tag < sizeof kMethods / sizeof *kMethods; tag++) {
    if (text_equals(name, text(kMethods[tag]))) return (wasi_http_types_method_t){.tag = tag};
  }
  return (wasi_http_types_method_t){.tag = WASI_HTTP_TYPES_METHOD_OTHER, .val.other = name};
}

Fields request_headers(Request request) {
  return wasi_http_types_method_incoming_request_headers(
      wasi_http_types_borrow_incoming_request(request));
}

bool header(Fields fields, const char* name, Text* value) {
  Text wanted = text(name);
  wasi_http_types_list_field_value_t values;
  wasi_http_types_method_fields_get(wasi_http_types_borrow_fields(fields), &wanted, &values);
  if (values.len == 0) return false;
  *value = (Text){values.ptr[0].ptr, values.ptr[0].len};
  return true;
}

bool add_header(Fields fields, Text name, Text value) {
  wasi_http_types_field_value_t bytes = {value.ptr, value.len};
  wasi_http_types_header_error_t error;
  return wasi_http_types_method_fields_append(wasi_http_types_borrow_fields(fields), &name, &bytes,
                                              &error);
}

Writer begin(ResponseOut out, uint16_t status, Fields headers) {
  wasi_http_types_own_outgoing_response_t response =
      wasi_http_types_constructor_outgoing_response(headers);
  wasi_http_types_borrow_outgoing_response_t borrowed =
      wasi_http_types_borrow_outgoing_response(response);
  Writer writer;
  if (!wasi_http_types_method_outgoing_response_set_status_code(borrowed, status)) stop();
  if (!wasi_http_types_method_outgoing_response_body(borrowed, &writer.body)) stop();
  wasi_http_types_result_own_outgoing_response_error_code_t result = {.is_err = false,
                                                                      .val.ok = response};
  wasi_http_types_static_response_outparam_set(out, &result);
  if (!wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(writer.body),
                                                  &writer.stream)) {
    stop();
  }
  return writer;
}

void refuse(ResponseOut out, const wasi_http_types_error_code_t* error) {
  wasi_http_types_result_own_outgoing_response_error_code_t result = {.is_err = true,
                                                                      .val.err = *error};
  wasi_http_types_static_response_outparam_set(out, &result);
}

void answer(ResponseOut out, uint16_t status, Text body) {
  Fields headers = wasi_http_types_constructor_fields();
  add_header(headers, text("content-type"), text("text/plain; charset=utf-8"));
  Writer writer = begin(out, status, headers);
  write_body(&writer, body);
  end_body(&writer, NULL);
}

bool environment(const char* name, Text* value) {
  handler_list_tuple2_string_string_t variables;
  wasi_cli_environment_get_environment(&variables);
  for (size_t i = 0; i < variables.len; i++) {
    if (text_equals(variables.ptr[i].f0, text(name))) {
      *value = variables.ptr[i].f1;
      return true;
    }
  }
  return false;
}
