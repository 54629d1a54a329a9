// Writes to standard output and standard error, the parameters out= and err= when given, and
// answers "written".
#include "http.h"

static void print(wasi_io_streams_own_output_stream_t stream, Text text_to_print) {
  handler_list_u8_t bytes = {text_to_print.ptr, text_to_print.len};
  wasi_io_streams_stream_error_t error;
  wasi_io_streams_method_output_stream_blocking_write_and_flush(
      wasi_io_streams_borrow_output_stream(stream), &bytes, &error);
}

void handle(Request request, ResponseOut out) {
  Text to_stdout, to_stderr;
  if (!query(request, "out", &to_stdout)) to_stdout = text("a line for stdout");
  if (!query(request, "err", &to_stderr)) to_stderr = text("a line for stderr");
  wasi_io_streams_own_output_stream_t stdout_stream = wasi_cli_stdout_get_stdout();
  wasi_io_streams_own_output_stream_t stderr_stream = wasi_cli_stderr_get_stderr();
  print(stdout_stream, to_stdout);
  print(stdout_stream, text("\n"));
  print(stderr_stream, to_stderr);
  print(stderr_stream, text("\n"));
  answer(out, 200, text("written\n"));
}
