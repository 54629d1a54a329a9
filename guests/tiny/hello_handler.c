// The smallest wasi:http handler that we know how to write: the canonical ABI by hand, no libc, no
// allocator. It is what the benchmarks measure, so that they measure the host and not the guest.
// guests/handlers/hello_bindings.c is the same handler as a person would write it.
//
// Signatures are those of the Canonical ABI of the component model ("flattening" and "lowering" in
// CanonicalABI.md): a handle is an i32, a result with more than one flat value comes back through a
// pointer to a return area.

#include <stddef.h>
#include <stdint.h>

#define IMPORT(interface, name) __attribute__((import_module(interface), import_name(name))) extern
#define EXPORT(name) __attribute__((export_name(name)))
#define HTTP "wasi:http/types@0.2.12"
#define STREAMS "wasi:io/streams@0.2.12"

typedef int32_t Handle;

IMPORT(HTTP, "[constructor]fields") Handle new_fields(void);
IMPORT(HTTP, "[constructor]outgoing-response") Handle new_response(Handle headers);
IMPORT(HTTP, "[method]outgoing-response.body") void response_body(Handle response, void* area);
IMPORT(HTTP, "[static]response-outparam.set")
void set_response(Handle out, int32_t is_error, int32_t response, int32_t, int64_t, int32_t,
                  int32_t, int32_t, int32_t);
IMPORT(HTTP, "[method]outgoing-body.write") void body_stream(Handle body, void* area);
IMPORT(HTTP, "[static]outgoing-body.finish")
void finish_body(Handle body, int32_t has_trailers, Handle trailers, void* area);
IMPORT(STREAMS, "[method]output-stream.check-write") void check_write(Handle stream, void* area);
IMPORT(STREAMS, "[method]output-stream.write")
void write_stream(Handle stream, const char* bytes, size_t size_bytes, void* area);
IMPORT(STREAMS, "[resource-drop]output-stream") void drop_stream(Handle stream);

static const char kBody[] = "hello from duet\n";

// Receives what imports return through memory; the largest is the error-code of
// outgoing-body.finish.
static union {
  uint8_t is_error;
  struct {
    int32_t is_error;
    Handle handle;
  } handle;
  uint64_t words[5];
} area;

EXPORT("wasi:http/incoming-handler@0.2.12#handle")
void handle(Handle request, Handle response_out) {
  (void)request;
  Handle response = new_response(new_fields());
  response_body(response, &area);
  Handle body = area.handle.handle;
  set_response(response_out, 0, response, 0, 0, 0, 0, 0, 0);
  body_stream(body, &area);
  Handle stream = area.handle.handle;
  check_write(stream, &area);
  write_stream(stream, kBody, sizeof kBody - 1, &area);
  drop_stream(stream);
  finish_body(body, 0, 0, &area);
}

// Required by the canonical ABI of error payloads. No answer that this guest looks at holds a list,
// so it never has to free; a bump allocator over the rest of the first page serves the host's error
// texts, and traps when it is full.
extern char __heap_base;

EXPORT("cabi_realloc")
void* cabi_realloc(void* old, size_t old_size, size_t align, size_t new_size) {
  static uintptr_t next;
  (void)old;
  (void)old_size;
  if (next == 0) next = (uintptr_t)&__heap_base;
  uintptr_t start = (next + align - 1) & ~(uintptr_t)(align - 1);
  next = start + new_size;
  if (next > 65536) __builtin_trap();
  return (void*)start;
}
