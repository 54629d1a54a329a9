// Answers n= lines (5 when absent), one each ms= milliseconds (100 when absent), flushed one by
// one.
#include "http.h"

void handle(Request request, ResponseOut out) {
  uint64_t lines = query_number(request, "n", 5);
  uint64_t pause_ms = query_number(request, "ms", 100);
  Writer writer = begin(out, 200, wasi_http_types_constructor_fields());
  for (uint64_t i = 1; i <= lines; i++) {
    char digits[20];
    write_body(&writer, text("line "));
    write_body(&writer, decimal(i, digits));
    if (!write_body(&writer, text("\n")) || !flush_body(&writer)) return;
    if (i < lines) sleep_ms(pause_ms);
  }
  end_body(&writer, NULL);
}
