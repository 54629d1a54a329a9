#include <string.h>

#include "http.h"

static bool starts_with(Text whole, Text start) {
  return whole.len >= start.len && memcmp(whole.ptr, start.ptr, start.len) == 0;
}

bool parse_url(Text from, Url* url) {
  Text http = text("http://"), https = text("https://");
  bool secure = starts_with(from, https);
  if (!secure && !starts_with(from, http)) return false;
  url->scheme.tag = secure ? WASI_HTTP_TYPES_SCHEME_HTTPS : WASI_HTTP_TYPES_SCHEME_HTTP;
  size_t skip = secure ? https.len : http.len;
  url->authority = (Text){from.ptr + skip, from.len - skip};
  url->path = text("/");
  uint8_t* slash = memchr(url->authority.ptr, '/', url->authority.len);
  if (slash != NULL) {
    url->path = (Text){slash, (size_t)(from.ptr + from.len - slash)};
    url->authority.len = (size_t)(slash - url->authority.ptr);
  }
  return url->authority.len > 0;
}

static wasi_http_types_own_outgoing_request_t build_request(const Call* call) {
  wasi_http_types_own_outgoing_request_t request =
      wasi_http_types_constructor_outgoing_request(call->headers);
  wasi_http_types_borrow_outgoing_request_t borrowed =
      wasi_http_types_borrow_outgoing_request(request);
  wasi_http_types_method_t method = call->method;
  wasi_http_types_scheme_t scheme = call->url.scheme;
  Text authority = call->url.authority, path = call->url.path;
  if (!wasi_http_types_method_outgoing_request_set_method(borrowed, &method) ||
      !wasi_http_types_method_outgoing_request_set_scheme(borrowed, &scheme) ||
      !wasi_http_types_method_outgoing_request_set_authority(borrowed, &authority) ||
      !wasi_http_types_method_outgoing_request_set_path_with_query(borrowed, &path)) {
    stop();
  }
  return request;
}

static wasi_http_types_own_request_options_t build_options(const Call* call) {
  wasi_http_types_own_request_options_t options = wasi_http_types_constructor_request_options();
  wasi_http_types_borrow_request_options_t borrowed =
      wasi_http_types_borrow_request_options(options);
  wasi_http_types_duration_t connect_ns = call->connect_timeout_ms * 1000000;
  wasi_http_types_duration_t first_byte_ns = call->first_byte_timeout_ms * 1000000;
  wasi_http_types_duration_t between_bytes_ns = call->between_bytes_timeout_ms * 1000000;
  // A host that has no such timeouts refuses them; its own then hold.
  if (connect_ns > 0) {
    wasi_http_types_method_request_options_set_connect_timeout(borrowed, &connect_ns);
  }
  if (first_byte_ns > 0) {
    wasi_http_types_method_request_options_set_first_byte_timeout(borrowed, &first_byte_ns);
  }
  if (between_bytes_ns > 0) {
    wasi_http_types_method_request_options_set_between_bytes_timeout(borrowed, &between_bytes_ns);
  }
  return options;
}

bool start_call(const Call* call, Writer* body, PendingAnswer* pending, HttpError* error) {
  wasi_http_types_own_outgoing_request_t request = build_request(call);
  if (!wasi_http_types_method_outgoing_request_body(
          wasi_http_types_borrow_outgoing_request(request), &body->body)) {
    stop();
  }
  wasi_http_types_own_request_options_t options = build_options(call);
  if (!wasi_http_outgoing_handler_handle(request, &options, pending, error)) return false;
  if (!wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(body->body),
                                                  &body->stream)) {
    stop();
  }
  return true;
}

bool await_answer(PendingAnswer pending, Response* response, HttpError* error) {
  wasi_http_types_borrow_future_incoming_response_t borrowed =
      wasi_http_types_borrow_future_incoming_response(pending);
  wait_for(wasi_http_types_method_future_incoming_response_subscribe(borrowed));
  wasi_http_types_result_result_own_incoming_response_error_code_void_t result;
  if (!wasi_http_types_method_future_incoming_response_get(borrowed, &result) || result.is_err) {
    stop();
  }
  if (result.val.ok.is_err) {
    *error = result.val.ok.val.err;
    return false;
  }
  *response = result.val.ok.val.ok;
  return true;
}

Reader read_response(Response response) {
  wasi_http_types_own_incoming_body_t body;
  if (!wasi_http_types_method_incoming_response_consume(
          wasi_http_types_borrow_incoming_response(response), &body)) {
    stop();
  }
  return read_incoming(body);
}

void relay(Response response, ResponseOut out) {
  wasi_http_types_borrow_incoming_response_t borrowed =
      wasi_http_types_borrow_incoming_response(response);
  Fields headers = wasi_http_types_constructor_fields();
  Text type;
  if (header(wasi_http_types_method_incoming_response_headers(borrowed), "content-type", &type)) {
    add_header(headers, text("content-type"), type);
  }
  Reader reader = read_response(response);
  Writer writer = begin(out, wasi_http_types_method_incoming_response_status(borrowed), headers);
  Text part;
  while (read_body(&reader, 65536, &part)) {
    if (!write_body(&writer, part)) return;
  }
  end_body(&writer, NULL);
}
