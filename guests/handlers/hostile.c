// What a host must survive, one way a path:
//   /loop          burns the CPU for ever
//   /alloc-loop    burns it in the allocator that the host calls while it answers an import
//   /alloc-trap    traps there
//   /grow          takes all memory it can get, then answers how many pages of 64 KiB it has
//   /stack         calls itself for ever
//   /handles       makes resources for ever
//   /trap          traps before it answers
//   /trap-reading  traps in the middle of the request's body
//   /trap-calling  traps while it waits for the answer to an outgoing request to x-url
//   /trap-after    traps in the middle of the body
//   /trap-end      traps when its answer is complete
//   /truncate      drops the body in the middle, without finishing it
//   /abandon       returns in the middle of the body, without finishing or dropping it
//   /nothing       returns without an answer
//   /hang          waits for ever without using the CPU
//   /linger        answers, and then waits for ever
//   /refuse        answers with an error-code instead of a response
//   /flood         writes to standard error for ever
//   /headers       answers with far too many headers
//   /drip          sends a byte of its body every 10 ms, for ever
//   /endless       sends its body as fast as it can, for ever
//   /calls         makes outgoing requests to x-url and keeps them all, for ever
#include <stdlib.h>

#include "http.h"

static volatile uint64_t sink;

// The host calls this for the strings and lists that it hands over; here it stands for the one of
// the bindings, which is weak.
static enum { kAllocates, kLoops, kTraps } allocator;

__attribute__((export_name("cabi_realloc"))) void* cabi_realloc(void* old, size_t old_size,
                                                                size_t alignment, size_t size) {
  (void)old_size;
  while (allocator == kLoops) sink++;
  if (allocator == kTraps) stop();
  if (size == 0) return (void*)alignment;
  void* memory = realloc(old, size);
  if (memory == NULL) stop();
  return memory;
}

static Text header_of(Request request, const char* name) {
  Text value;
  if (!header(request_headers(request), name, &value)) stop();
  return value;
}

static void loop(Request request, ResponseOut out) {
  (void)request;
  (void)out;
  for (;;) sink++;
}

static void grow(Request request, ResponseOut out) {
  (void)request;
  while (__builtin_wasm_memory_grow(0, 16) != (size_t)-1) {
  }
  static char line[21];
  Text pages = decimal(__builtin_wasm_memory_size(0), line);
  line[pages.len++] = '\n';
  answer(out, 200, pages);
}

static void alloc_loop(Request request, ResponseOut out) {
  (void)out;
  allocator = kLoops;
  request_path(request);
}

static void alloc_trap(Request request, ResponseOut out) {
  (void)out;
  allocator = kTraps;
  request_path(request);
}

static uint64_t dive(uint64_t depth) {
  volatile uint64_t here = depth;
  return here == UINT64_MAX ? 0 : dive(here + 1) + here;
}

static void stack(Request request, ResponseOut out) {
  (void)request;
  (void)out;
  sink = dive(sink);
}

static void handles(Request request, ResponseOut out) {
  (void)request;
  (void)out;
  for (;;) wasi_http_types_constructor_fields();
}

static void trap(Request request, ResponseOut out) {
  (void)request;
  (void)out;
  stop();
}

static Writer half_a_body(ResponseOut out) {
  Writer writer = begin(out, 200, wasi_http_types_constructor_fields());
  write_body(&writer, text("the first half\n"));
  flush_body(&writer);
  return writer;
}

static void trap_reading(Request request, ResponseOut out) {
  (void)out;
  Reader reader = read_request(request);
  Text part;
  read_body(&reader, 16, &part);
  stop();
}

static void trap_end(Request request, ResponseOut out) {
  (void)request;
  answer(out, 200, text("all of it\n"));
  stop();
}

static PendingAnswer start_one(Request request) {
  Call call = {.headers = wasi_http_types_constructor_fields()};
  Writer writer;
  PendingAnswer pending;
  HttpError error;
  call.method = method_of(text("GET"));
  if (!parse_url(header_of(request, "x-url"), &call.url)) stop();
  if (!start_call(&call, &writer, &pending, &error)) stop();
  end_body(&writer, NULL);
  return pending;
}

static void trap_calling(Request request, ResponseOut out) {
  (void)out;
  start_one(request);
  sleep_ms(1);
  stop();
}

static void calls(Request request, ResponseOut out) {
  (void)out;
  for (;;) start_one(request);
}

static void linger(Request request, ResponseOut out) {
  (void)request;
  answer(out, 200, text("all of it\n"));
  for (;;) sleep_ms(UINT64_C(86400000));
}

static void drip(Request request, ResponseOut out) {
  (void)request;
  Writer writer = begin(out, 200, wasi_http_types_constructor_fields());
  while (write_body(&writer, text(".")) && flush_body(&writer)) sleep_ms(10);
}

static void endless(Request request, ResponseOut out) {
  (void)request;
  static uint8_t block[65536];
  Writer writer = begin(out, 200, wasi_http_types_constructor_fields());
  while (write_body(&writer, (Text){block, sizeof block})) {
  }
}

static void truncate(Request request, ResponseOut out) {
  (void)request;
  Writer writer = half_a_body(out);
  wasi_io_streams_output_stream_drop_own(writer.stream);
  wasi_http_types_outgoing_body_drop_own(writer.body);
}

static void abandon(Request request, ResponseOut out) {
  (void)request;
  half_a_body(out);
}

static void trap_after(Request request, ResponseOut out) {
  (void)request;
  half_a_body(out);
  stop();
}

static void nothing(Request request, ResponseOut out) {
  (void)request;
  (void)out;
}

static void hang(Request request, ResponseOut out) {
  (void)request;
  (void)out;
  for (;;) sleep_ms(UINT64_C(86400000));
}

static void refuse_it(Request request, ResponseOut out) {
  (void)request;
  wasi_http_types_error_code_t error = {.tag = WASI_HTTP_TYPES_ERROR_CODE_CONFIGURATION_ERROR};
  refuse(out, &error);
}

static void flood(Request request, ResponseOut out) {
  (void)request;
  (void)out;
  static uint8_t line[4096];
  for (size_t i = 0; i < sizeof line; i++) line[i] = i % 64 == 63 ? '\n' : 'x';
  wasi_io_streams_own_output_stream_t stream = wasi_cli_stderr_get_stderr();
  handler_list_u8_t bytes = {line, sizeof line};
  wasi_io_streams_stream_error_t error;
  while (wasi_io_streams_method_output_stream_blocking_write_and_flush(
      wasi_io_streams_borrow_output_stream(stream), &bytes, &error)) {
  }
}

static void headers(Request request, ResponseOut out) {
  (void)request;
  Fields fields = wasi_http_types_constructor_fields();
  for (int i = 0; i < 20000; i++) {
    char digits[20];
    if (!add_header(fields, text("x-flood"), decimal((uint64_t)i, digits))) break;
  }
  Writer writer = begin(out, 200, fields);
  end_body(&writer, NULL);
}

static const struct {
  const char* path;
  void (*act)(Request request, ResponseOut out);
} kActs[] = {
    {"/loop", loop},
    {"/alloc-loop", alloc_loop},
    {"/alloc-trap", alloc_trap},
    {"/grow", grow},
    {"/stack", stack},
    {"/handles", handles},
    {"/trap", trap},
    {"/trap-reading", trap_reading},
    {"/trap-calling", trap_calling},
    {"/trap-after", trap_after},
    {"/trap-end", trap_end},
    {"/truncate", truncate},
    {"/abandon", abandon},
    {"/nothing", nothing},
    {"/hang", hang},
    {"/linger", linger},
    {"/refuse", refuse_it},
    {"/flood", flood},
    {"/headers", headers},
    {"/drip", drip},
    {"/endless", endless},
    {"/calls", calls},
};

void handle(Request request, ResponseOut out) {
  Text path = request_path(request);
  for (size_t i = 0; i < sizeof kActs / sizeof *kActs; i++) {
    if (text_equals(path, text(kActs[i].path))) {
      kActs[i].act(request, out);
      return;
    }
  }
  answer(out, 404, text("no such way to misbehave\n"));
}
