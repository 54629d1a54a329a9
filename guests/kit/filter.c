// Filters: what a handler that stands before the backend of a route does with the next step.
#include "filter.h"

#include <string.h>

// Of one connection, or written by the host from the body that follows.
static const char* const kNotPassedOn[] = {"host",    "connection",        "keep-alive", "te",
                                           "upgrade", "transfer-encoding", "trailer"};

Fields copy_headers(Fields from) {
  Fields to = wasi_http_types_constructor_fields();
  wasi_http_types_list_tuple2_field_name_field_value_t entries;
  wasi_http_types_method_fields_entries(wasi_http_types_borrow_fields(from), &entries);
  for (size_t i = 0; i < entries.len; i++) {
    bool passed_on = true;
    for (size_t j = 0; j < sizeof kNotPassedOn / sizeof *kNotPassedOn; j++) {
      passed_on &= !text_equals_ignoring_case(entries.ptr[i].f0, text(kNotPassedOn[j]));
    }
    if (passed_on) {
      add_header(to, entries.ptr[i].f0, (Text){entries.ptr[i].f1.ptr, entries.ptr[i].f1.len});
    }
  }
  return to;
}

bool remove_header(Fields fields, const char* name) {
  Text bytes = text(name);
  wasi_http_types_header_error_t error;
  return wasi_http_types_method_fields_delete(wasi_http_types_borrow_fields(fields), &bytes,
                                              &error);
}

bool set_header(Fields fields, const char* name, Text value) {
  return remove_header(fields, name) && add_header(fields, text(name), value);
}

static bool start_next(Request request, Fields headers, Writer* body, PendingAnswer* pending,
                       HttpError* error) {
  wasi_http_types_borrow_incoming_request_t borrowed =
      wasi_http_types_borrow_incoming_request(request);
  Call call = {.headers = headers};
  wasi_http_types_method_incoming_request_method(borrowed, &call.method);
  call.url.scheme.tag = WASI_HTTP_TYPES_SCHEME_HTTP;
  call.url.authority = text("next.duet.internal");
  if (!wasi_http_types_method_incoming_request_path_with_query(borrowed, &call.url.path)) {
    call.url.path = text("/");
  }
  return start_call(&call, body, pending, error);
}

bool ask_next(Request request, Fields headers, Response* response, HttpError* error) {
  Writer body;
  PendingAnswer pending;
  if (!start_next(request, headers, &body, &pending, error)) return false;
  Reader reader = read_request(request);
  Text part;
  while (read_body(&reader, 65536, &part) && write_body(&body, part)) {
  }
  end_body(&body, NULL);
  return await_answer(pending, response, error);
}

// A body on its way from one side to the other.
typedef struct {
  wasi_io_streams_own_input_stream_t from;
  wasi_io_streams_own_output_stream_t to;
  wasi_io_poll_own_pollable_t readable;
  wasi_io_poll_own_pollable_t writable;
  bool ended;
  bool waits_for_reader;  // nothing to read now; else no room to write
} Flow;

static Flow flow(Reader* reader, Writer* writer) {
  return (Flow){
      .from = reader->stream,
      .to = writer->stream,
      .readable = wasi_io_streams_method_input_stream_subscribe(
          wasi_io_streams_borrow_input_stream(reader->stream)),
      .writable = wasi_io_streams_method_output_stream_subscribe(
          wasi_io_streams_borrow_output_stream(writer->stream)),
  };
}

// Moves what can be moved without waiting. False: one of the sides is gone.
static bool move(Flow* flow) {
  wasi_io_streams_borrow_output_stream_t to = wasi_io_streams_borrow_output_stream(flow->to);
  wasi_io_streams_borrow_input_stream_t from = wasi_io_streams_borrow_input_stream(flow->from);
  wasi_io_streams_stream_error_t error;
  while (!flow->ended) {
    uint64_t room, moved;
    if (!wasi_io_streams_method_output_stream_check_write(to, &room, &error)) return false;
    flow->waits_for_reader = room > 0;
    if (room == 0) return true;
    if (!wasi_io_streams_method_output_stream_splice(to, from, room, &moved, &error)) {
      if (error.tag != WASI_IO_STREAMS_STREAM_ERROR_CLOSED) return false;
      flow->ended = true;
    } else if (moved == 0) {
      return true;
    }
  }
  return true;
}

static wasi_io_poll_borrow_pollable_t waits_for(const Flow* flow) {
  return wasi_io_poll_borrow_pollable(flow->waits_for_reader ? flow->readable : flow->writable);
}

// Both pollables must go before the streams that they belong to.
static void close_flow(Flow* flow) {
  wasi_io_poll_pollable_drop_own(flow->readable);
  wasi_io_poll_pollable_drop_own(flow->writable);
}

static void wait_for_any(wasi_io_poll_borrow_pollable_t* pollables, size_t count) {
  wasi_io_poll_list_borrow_pollable_t list = {pollables, count};
  handler_list_u32_t ready;
  wasi_io_poll_poll(&list, &ready);
  handler_list_u32_free(&ready);
}

// Sends the request's body until all of it is gone or the answer is there, whichever comes first.
static void send_until_answered(Flow* body, PendingAnswer pending) {
  wasi_io_poll_own_pollable_t answered = wasi_http_types_method_future_incoming_response_subscribe(
      wasi_http_types_borrow_future_incoming_response(pending));
  while (!wasi_io_poll_method_pollable_ready(wasi_io_poll_borrow_pollable(answered))) {
    if (!move(body) || body->ended) break;
    wasi_io_poll_borrow_pollable_t both[] = {wasi_io_poll_borrow_pollable(answered),
                                             waits_for(body)};
    wait_for_any(both, 2);
  }
  wasi_io_poll_pollable_drop_own(answered);
}

// Moves both bodies until the answer's is complete. False: the client or the next step is gone.
static bool exchange(Flow* request, Writer* next, bool request_open, Flow* answer) {
  while (!answer->ended) {
    if (request_open && (!move(request) || request->ended)) {
      close_flow(request);
      end_body(next, NULL);
      request_open = false;
    }
    if (!move(answer)) return false;
    if (answer->ended) break;
    wasi_io_poll_borrow_pollable_t both[] = {waits_for(answer),
                                             waits_for(request_open ? request : answer)};
    wait_for_any(both, request_open ? 2 : 1);
  }
  return true;
}

void pass_on(Request request, Fields headers, ResponseOut out, ChangeAnswer change) {
  Writer next;
  PendingAnswer pending;
  HttpError error;
  Response response;
  if (!start_next(request, headers, &next, &pending, &error)) {
    refuse(out, &error);
    return;
  }
  Reader from_client = read_request(request);
  Flow sent = flow(&from_client, &next);
  send_until_answered(&sent, pending);
  bool request_open = !sent.ended;
  if (!request_open) {
    close_flow(&sent);
    end_body(&next, NULL);
  }
  if (!await_answer(pending, &response, &error)) {
    refuse(out, &error);
    return;
  }
  wasi_http_types_borrow_incoming_response_t borrowed =
      wasi_http_types_borrow_incoming_response(response);
  Fields answer_headers = copy_headers(wasi_http_types_method_incoming_response_headers(borrowed));
  uint16_t status = wasi_http_types_method_incoming_response_status(borrowed);
  if (change != NULL) change(status, answer_headers);
  Reader from_next = read_response(response);
  Writer to_client = begin(out, status, answer_headers);
  Flow answered = flow(&from_next, &to_client);
  if (!exchange(&sent, &next, request_open, &answered)) return;
  close_flow(&answered);
  Fields trailers;
  end_body(&to_client, read_trailers(&from_next, &trailers) ? &trailers : NULL);
}
