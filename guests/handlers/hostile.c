// What a host must survive, one way a path:
//   /loop        burns the CPU for ever
//   /grow        takes all memory it can get, then answers how many pages of 64 KiB it has
//   /stack       calls itself for ever
//   /handles     makes resources for ever
//   /trap        traps before it answers
//   /trap-after  traps in the middle of the body
//   /truncate    drops the body in the middle, without finishing it
//   /abandon     returns in the middle of the body, without finishing or dropping it
//   /nothing     returns without an answer
//   /hang        waits for ever without using the CPU
//   /refuse      answers with an error-code instead of a response
//   /flood       writes to standard error for ever
//   /headers     answers with far too many headers
#include "http.h"

static volatile uint64_t sink;

static void loop(ResponseOut out) {
  (void)out;
  for (;;) sink++;
}

static void grow(ResponseOut out) {
  while (__builtin_wasm_memory_grow(0, 16) != (size_t)-1) {
  }
  static char line[21];
  Text pages = decimal(__builtin_wasm_memory_size(0), line);
  line[pages.len++] = '\n';
  answer(out, 200, pages);
}

static uint64_t dive(uint64_t depth) {
  volatile uint64_t here = depth;
  return here == UINT64_MAX ? 0 : dive(here + 1) + here;
}

static void stack(ResponseOut out) {
  (void)out;
  sink = dive(sink);
}

static void handles(ResponseOut out) {
  (void)out;
  for (;;) wasi_http_types_constructor_fields();
}

static void trap(ResponseOut out) {
  (void)out;
  stop();
}

static Writer half_a_body(ResponseOut out) {
  Writer writer = begin(out, 200, wasi_http_types_constructor_fields());
  write_body(&writer, text("the first half\n"));
  flush_body(&writer);
  return writer;
}

static void truncate(ResponseOut out) {
  Writer writer = half_a_body(out);
  wasi_io_streams_output_stream_drop_own(writer.stream);
  wasi_http_types_outgoing_body_drop_own(writer.body);
}

static void abandon(ResponseOut out) { half_a_body(out); }

static void trap_after(ResponseOut out) {
  half_a_body(out);
  stop();
}

static void nothing(ResponseOut out) { (void)out; }

static void hang(ResponseOut out) {
  (void)out;
  for (;;) sleep_ms(UINT64_C(86400000));
}

static void refuse_it(ResponseOut out) {
  wasi_http_types_error_code_t error = {.tag = WASI_HTTP_TYPES_ERROR_CODE_CONFIGURATION_ERROR};
  refuse(out, &error);
}

static void flood(ResponseOut out) {
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

static void headers(ResponseOut out) {
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
  void (*act)(ResponseOut out);
} kActs[] = {
    {"/loop", loop},         {"/grow", grow},        {"/stack", stack},
    {"/handles", handles},   {"/trap", trap},        {"/trap-after", trap_after},
    {"/truncate", truncate}, {"/abandon", abandon},  {"/nothing", nothing},
    {"/hang", hang},         {"/refuse", refuse_it}, {"/flood", flood},
    {"/headers", headers},
};

void handle(Request request, ResponseOut out) {
  Text path = request_path(request);
  for (size_t i = 0; i < sizeof kActs / sizeof *kActs; i++) {
    if (text_equals(path, text(kActs[i].path))) {
      kActs[i].act(out);
      return;
    }
  }
  answer(out, 404, text("no such way to misbehave\n"));
}
