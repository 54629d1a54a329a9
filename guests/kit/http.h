// A small layer over the generated bindings of wasi:http 0.2, for handlers in C.
//
// Memory: an instance lives for one request, so only what would grow with a body is freed: the
// bytes of `read_body` are valid until the next call, other strings until the end of the request.
// Errors that a handler cannot do anything about trap (`stop`), which the host reports.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handler.h"

typedef handler_string_t Text;
typedef exports_wasi_http_incoming_handler_own_incoming_request_t Request;
typedef exports_wasi_http_incoming_handler_own_response_outparam_t ResponseOut;
typedef wasi_http_types_own_fields_t Fields;

// The body of a response or of an outgoing request, while it is written.
typedef struct {
  wasi_http_types_own_outgoing_body_t body;
  wasi_io_streams_own_output_stream_t stream;
} Writer;

// The body of a request or of an incoming response, while it is read.
typedef struct {
  wasi_http_types_own_incoming_body_t body;
  wasi_io_streams_own_input_stream_t stream;
  handler_list_u8_t part;
} Reader;

// What a handler implements; the kit calls it for the one request of this instance.
void handle(Request request, ResponseOut out);

// Text
Text text(const char* zero_terminated);
bool text_equals(Text left, Text right);
bool text_equals_ignoring_case(Text left, Text right);
// Writes `number` in decimal into `digits` (at least 20 bytes) and returns the text over it.
Text decimal(uint64_t number, char* digits);
// Takes the leading decimal digits of `from`; `fallback` when there are none.
uint64_t number(Text from, uint64_t fallback);
void* allocate(size_t size_bytes);
_Noreturn void stop(void);

// The request. The path is without the query; `query` finds the value of one parameter, not
// decoded.
Text request_path(Request request);
bool query(Request request, const char* name, Text* value);
uint64_t query_number(Request request, const char* name, uint64_t fallback);
Text method_name(const wasi_http_types_method_t* method);
wasi_http_types_method_t method_of(Text name);
Fields request_headers(Request request);
Reader read_request(Request request);
Reader read_incoming(wasi_http_types_own_incoming_body_t body);

// Headers
bool header(Fields fields, const char* name, Text* value);
// False when the host refuses the name or the value.
bool add_header(Fields fields, Text name, Text value);

// The answer. `begin` hands status and headers to the host; the body is written afterwards.
Writer begin(ResponseOut out, uint16_t status, Fields headers);
// Tells the host that there will be no answer, as an HTTP-level error.
void refuse(ResponseOut out, const wasi_http_types_error_code_t* error);
// One whole answer of text/plain.
void answer(ResponseOut out, uint16_t status, Text body);

// Waits until everything was taken. False when the peer went away.
bool write_body(Writer* writer, Text bytes);
bool flush_body(Writer* writer);
// Ends the body, with trailers when `trailers` is not NULL.
void end_body(Writer* writer, Fields* trailers);

// The next bytes of a body, at most `limit_bytes`. False at the end; traps when the body breaks.
bool read_body(Reader* reader, uint64_t limit_bytes, Text* bytes);
// Call after the end: true when there were trailers.
bool read_trailers(Reader* reader, Fields* trailers);

// Outgoing requests. A call is started, its body written and ended, then the answer is awaited.
typedef struct {
  wasi_http_types_scheme_t scheme;
  Text authority;
  Text path;
} Url;

typedef struct {
  wasi_http_types_method_t method;
  Url url;
  Fields headers;
  uint64_t connect_timeout_ms;  // 0: the host's own, as the two below
  uint64_t first_byte_timeout_ms;
  uint64_t between_bytes_timeout_ms;
} Call;

typedef wasi_http_types_own_future_incoming_response_t PendingAnswer;
typedef wasi_http_types_own_incoming_response_t Response;
typedef wasi_http_types_error_code_t HttpError;

// Takes an absolute http or https URL apart; the path is "/" when it has none. False for anything
// else.
bool parse_url(Text from, Url* url);
bool start_call(const Call* call, Writer* body, PendingAnswer* pending, HttpError* error);
bool await_answer(PendingAnswer pending, Response* response, HttpError* error);
Reader read_response(Response response);
// Answers with the response's status, content type and body, as it comes.
void relay(Response response, ResponseOut out);

// Finds a variable of the environment.
bool environment(const char* name, Text* value);

// Waits, without using the CPU, and drops the pollable.
void wait_for(wasi_io_poll_own_pollable_t pollable);
void sleep_ms(uint64_t milliseconds);
