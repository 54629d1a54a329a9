// Streams the request back: its headers, its body as it comes, its trailers. What is not a header
// travels as x-echo-method, x-echo-path and x-echo-authority.
#include "http.h"

static const char* const kNotEchoed[] = {"host", "content-length", "expect",
                                         "te",   "connection",     "transfer-encoding"};

static void copy(Fields from, Fields to) {
  wasi_http_types_list_tuple2_field_name_field_value_t entries;
  wasi_http_types_method_fields_entries(wasi_http_types_borrow_fields(from), &entries);
  for (size_t i = 0; i < entries.len; i++) {
    bool echoed = true;
    for (size_t j = 0; j < sizeof kNotEchoed / sizeof *kNotEchoed; j++) {
      if (text_equals_ignoring_case(entries.ptr[i].f0, text(kNotEchoed[j]))) echoed = false;
    }
    if (echoed)
      add_header(to, entries.ptr[i].f0, (Text){entries.ptr[i].f1.ptr, entries.ptr[i].f1.len});
  }
}

static void describe(Request request, Fields headers) {
  wasi_http_types_borrow_incoming_request_t borrowed =
      wasi_http_types_borrow_incoming_request(request);
  wasi_http_types_method_t method;
  wasi_http_types_method_incoming_request_method(borrowed, &method);
  add_header(headers, text("x-echo-method"), method_name(&method));
  Text value;
  if (wasi_http_types_method_incoming_request_path_with_query(borrowed, &value)) {
    add_header(headers, text("x-echo-path"), value);
  }
  if (wasi_http_types_method_incoming_request_authority(borrowed, &value)) {
    add_header(headers, text("x-echo-authority"), value);
  }
}

void handle(Request request, ResponseOut out) {
  Fields headers = wasi_http_types_constructor_fields();
  copy(request_headers(request), headers);
  describe(request, headers);
  Reader reader = read_request(request);
  Writer writer = begin(out, 200, headers);
  Text part;
  while (read_body(&reader, 65536, &part)) {
    if (!write_body(&writer, part)) return;
  }
  Fields received;
  if (!read_trailers(&reader, &received)) {
    end_body(&writer, NULL);
    return;
  }
  Fields trailers = wasi_http_types_constructor_fields();
  copy(received, trailers);
  end_body(&writer, &trailers);
}
