// Answers bytes= bytes (1 MiB when absent), all "x", in parts of part= bytes (64 KiB when absent).
// With length=1 the answer says its content-length first.
#include <string.h>

#include "http.h"

void handle(Request request, ResponseOut out) {
  uint64_t left_bytes = query_number(request, "bytes", 1 << 20);
  uint64_t part_bytes = query_number(request, "part", 64 << 10);
  if (part_bytes == 0 || part_bytes > 1 << 20) {
    answer(out, 400, text("part must be 1 to 1048576\n"));
    return;
  }
  Fields headers = wasi_http_types_constructor_fields();
  if (query_number(request, "length", 0) != 0) {
    char digits[20];
    add_header(headers, text("content-length"), decimal(left_bytes, digits));
  }
  Text part = {allocate(part_bytes), part_bytes};
  memset(part.ptr, 'x', part.len);
  Writer writer = begin(out, 200, headers);
  while (left_bytes > 0) {
    if (left_bytes < part.len) part.len = (size_t)left_bytes;
    if (!write_body(&writer, part)) return;
    left_bytes -= part.len;
  }
  end_body(&writer, NULL);
}
