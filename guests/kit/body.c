#include "http.h"

void wait_for(wasi_io_poll_own_pollable_t pollable) {
  wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(pollable));
  wasi_io_poll_pollable_drop_own(pollable);
}

void sleep_ms(uint64_t milliseconds) {
  wait_for(wasi_clocks_monotonic_clock_subscribe_duration(milliseconds * 1000000));
}

bool write_body(Writer* writer, Text bytes) {
  wasi_io_streams_borrow_output_stream_t stream =
      wasi_io_streams_borrow_output_stream(writer->stream);
  wasi_io_streams_stream_error_t error;
  while (bytes.len > 0) {
    uint64_t permit_bytes;
    if (!wasi_io_streams_method_output_stream_check_write(stream, &permit_bytes, &error))
      return false;
    if (permit_bytes == 0) {
      wait_for(wasi_io_streams_method_output_stream_subscribe(stream));
      continue;
    }
    handler_list_u8_t part = {bytes.ptr,
                              bytes.len < permit_bytes ? bytes.len : (size_t)permit_bytes};
    if (!wasi_io_streams_method_output_stream_write(stream, &part, &error)) return false;
    bytes.ptr += part.len;
    bytes.len -= part.len;
  }
  return true;
}

bool flush_body(Writer* writer) {
  wasi_io_streams_stream_error_t error;
  return wasi_io_streams_method_output_stream_blocking_flush(
      wasi_io_streams_borrow_output_stream(writer->stream), &error);
}

void end_body(Writer* writer, Fields* trailers) {
  wasi_io_streams_output_stream_drop_own(writer->stream);
  wasi_http_types_error_code_t error;
  wasi_http_types_static_outgoing_body_finish(writer->body, trailers, &error);
}

Reader read_request(Request request) {
  wasi_http_types_own_incoming_body_t body;
  if (!wasi_http_types_method_incoming_request_consume(
          wasi_http_types_borrow_incoming_request(request), &body)) {
    stop();
  }
  return read_incoming(body);
}

Reader read_incoming(wasi_http_types_own_incoming_body_t body) {
  Reader reader = {.body = body, .part = {NULL, 0}};
  if (!wasi_http_types_method_incoming_body_stream(wasi_http_types_borrow_incoming_body(body),
                                                   &reader.stream)) {
    stop();
  }
  return reader;
}

bool read_body(Reader* reader, uint64_t limit_bytes, Text* bytes) {
  handler_list_u8_free(&reader->part);
  wasi_io_streams_stream_error_t error;
  if (!wasi_io_streams_method_input_stream_blocking_read(
          wasi_io_streams_borrow_input_stream(reader->stream), limit_bytes, &reader->part,
          &error)) {
    reader->part = (handler_list_u8_t){NULL, 0};
    if (error.tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED) return false;
    stop();
  }
  *bytes = (Text){reader->part.ptr, reader->part.len};
  return true;
}

bool read_trailers(Reader* reader, Fields* trailers) {
  wasi_io_streams_input_stream_drop_own(reader->stream);
  wasi_http_types_own_future_trailers_t future =
      wasi_http_types_static_incoming_body_finish(reader->body);
  wasi_http_types_borrow_future_trailers_t borrowed =
      wasi_http_types_borrow_future_trailers(future);
  wait_for(wasi_http_types_method_future_trailers_subscribe(borrowed));
  wasi_http_types_result_result_option_own_trailers_error_code_void_t result;
  if (!wasi_http_types_method_future_trailers_get(borrowed, &result)) stop();
  if (result.is_err || result.val.ok.is_err) stop();
  *trailers = result.val.ok.val.ok.val;
  return result.val.ok.val.ok.is_some;
}
