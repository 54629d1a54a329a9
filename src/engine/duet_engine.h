/* The C boundary of the engine crate (runtime side): Wasmtime without its compiler.
 *
 * C++ code uses engine.h, handler.h and program.h; this header is what they and the Rust crate
 * agree on.
 *
 * Rules that hold for every function:
 * - Functions that can fail return DUET_OK or an error code and then fill `*error` (may be null),
 * whose message the caller frees with duet_error_clear. No panic and no exception crosses: a panic
 * becomes DUET_E_INTERNAL.
 * - An engine and all that comes from it belong to one thread. Only duet_engine_increment_epoch may
 * be called from other threads and from signal handlers.
 * - Slices passed in are copied before the call returns. Slices handed out live until the next call
 * with the same object, unless said otherwise.
 * - Objects are freed with their own function, children (requests) before parents (handlers) before
 * engines.
 */
#ifndef DUET_ENGINE_H
#define DUET_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct duet_engine duet_engine;
typedef struct duet_handler duet_handler;
typedef struct duet_request duet_request;
typedef struct duet_instances duet_instances;

enum {
  DUET_OK = 0,
  DUET_E_INVALID = 1,     /* the caller's input is wrong */
  DUET_E_CORRUPT = 2,     /* the code file is not what it should be, or of another engine */
  DUET_E_EXHAUSTED = 3,   /* a bound was reached, for example all sandboxes are in use */
  DUET_E_INTERNAL = 4,    /* a panic or a failed system call */
  DUET_E_UNSUPPORTED = 5, /* known, and not done */
};

typedef struct {
  int32_t code;
  char* message; /* UTF-8, not terminated by zero */
  size_t message_size;
} duet_error;

void duet_error_clear(duet_error* error);

typedef struct {
  const char* data;
  size_t size;
} duet_slice;

typedef struct {
  duet_slice name;
  duet_slice value;
} duet_field;

/* ---- engine ---- */

typedef struct {
  uint32_t sandbox_limit;           /* sandboxes alive at the same time */
  uint32_t core_instance_limit;     /* core instances of all sandboxes together */
  uint32_t memory_limit;            /* linear memories of all sandboxes together */
  uint32_t table_limit;             /* tables of all sandboxes together */
  uint64_t memory_size_limit_bytes; /* of one linear memory */
  uint64_t table_elements_limit;    /* of one table */
  uint64_t resident_bytes; /* of a freed memory slot that stay resident for the next sandbox */
  uint32_t warm_limit;     /* freed slots kept warm with their template's image */
  uint64_t tick_ns;        /* how long an epoch is, in CPU time of the thread */
  bool pooling;            /* false: memory is mapped when a sandbox starts */
  bool checked;            /* for code of the DUET_PROFILE_CHECKED_ ones; there is no pool then */
} duet_engine_options;

/* Makes an engine. With `pooling`, *sandboxes says how many the pool has: as many as asked for, or
 * half of that, and so on, as what the process may map allows; 0 without a pool. */
int32_t duet_engine_new(const duet_engine_options* options, duet_engine** out, uint32_t* sandboxes,
                        duet_error* error);
void duet_engine_free(duet_engine* engine);

/* An eventfd (non-blocking, owned by the engine) that becomes readable when another thread made a
 * request ready. Reset by duet_engine_next_ready. */
int duet_engine_event_fd(const duet_engine* engine);

/* Ends the present epoch: guests that run now come back to their poller soon. Thread-safe,
 * async-signal-safe. */
void duet_engine_increment_epoch(const duet_engine* engine);

/* Takes the next request that should be polled; *token is what duet_request_start was given. False:
 * none. Before the caller sleeps, it takes until none is left. */
bool duet_engine_next_ready(duet_engine* engine, uint64_t* token);

/* The same for the requests that were seen to compute for long at a time (0.2 ms and the end of an
 * epoch), which duet_engine_next_ready leaves out: they should get their turn after all others. */
bool duet_engine_next_slow(duet_engine* engine, uint64_t* token);

/* When the first timer of a guest is due, in ns of CLOCK_MONOTONIC; UINT64_MAX: no timer. */
uint64_t duet_engine_next_timer(const duet_engine* engine);

/* Makes the requests ready whose timers are due at `now_ns`. */
void duet_engine_fire_timers(duet_engine* engine, uint64_t now_ns);

/* How code is compiled. */
#define DUET_PROFILE_HANDLER 0
#define DUET_PROFILE_CHECKED_HANDLER 1 /* for engines made with `checked` */
#define DUET_PROFILE_PROGRAM 2
#define DUET_PROFILE_ASYNC_HANDLER 3
#define DUET_PROFILE_CHECKED_ASYNC_HANDLER 4 /* for engines made with `checked` */

/* 32 bytes that tell which code files this engine can load: engine version, settings, CPU features.
 * `profile` is one of the above. */
int32_t duet_compatibility_key(uint32_t profile, uint8_t key[32], duet_error* error);

/* ---- handlers ---- */

typedef struct {
  const duet_field* environment; /* environment variables */
  size_t environment_count;
  const duet_slice* arguments;
  size_t argument_count;
} duet_handler_config;

/* Maps the serialized component that `fd` holds from its first byte (what may follow it is
 * ignored), and links it. The caller must have authenticated the file: loading runs its content as
 * machine code. The file is opened once more through /proc/self/fd, so it must be readable; the
 * caller keeps and closes fd. */
int32_t duet_handler_load(duet_engine* engine, int fd, const duet_handler_config* config,
                          duet_handler** out, duet_error* error);
/* The same for a core module of WASI preview 1 that exports _start. Its environment comes with each
 * request, not from `config`. */
int32_t duet_handler_load_command(duet_engine* engine, int fd, const duet_handler_config* config,
                                  duet_handler** out, duet_error* error);
/* The same for a component that exports wasi:http/handler of WASI 0.3. The first one makes what
 * such handlers share: a pool of sandboxes of their own, as the engine's options say. */
int32_t duet_handler_load_service(duet_engine* engine, int fd, const duet_handler_config* config,
                                  duet_handler** out, duet_error* error);
/* Another handler of the same code with a configuration of its own: costs a few hundred bytes.
 * Either may go first. */
int32_t duet_handler_share(const duet_handler* handler, const duet_handler_config* config,
                           duet_handler** out, duet_error* error);
void duet_handler_free(duet_handler* handler);

/* ---- requests ---- */

typedef struct {
  uint64_t memory_bytes;         /* linear memory of the whole sandbox */
  uint64_t table_elements;       /* table elements of the whole sandbox */
  uint32_t instance_limit;       /* core instances of the sandbox */
  uint32_t resource_limit;       /* host objects (headers, bodies, ...) that the guest may hold */
  uint32_t outgoing_limit;       /* outgoing requests at the same time */
  uint64_t cpu_budget_ns;        /* CPU time; checked at the end of each epoch; 0: no budget */
  uint64_t request_body_bytes;   /* body bytes buffered for the guest, of the request and of each
                                    response */
  uint64_t response_chunk_bytes; /* of one piece that the guest writes */
  uint64_t header_bytes;         /* of one set of headers that the guest makes */
  uint64_t log_bytes;            /* of stdout and stderr together; more is dropped and counted */
  bool computes_long;            /* it is known of the guest: duet_engine_next_slow gives the
                                    request, from the start */
} duet_limits;

typedef struct {
  duet_slice method;
  duet_slice scheme;    /* "http" or "https" */
  duet_slice authority; /* host[:port] */
  duet_slice path_with_query;
  const duet_field* headers;
  size_t header_count;
  bool body_complete; /* the request has no body */
} duet_request_head;

/* Starts a request in a fresh sandbox. Nothing of the guest runs before the first poll. */
int32_t duet_request_start(duet_handler* handler, const duet_request_head* head,
                           const duet_limits* limits, uint64_t token, duet_request** out,
                           duet_error* error);

typedef struct {
  duet_slice environment; /* "NAME=value" of each variable, each ended by a zero byte */
  bool body_complete;     /* nothing comes on standard input */
} duet_command_input;

/* As duet_request_start for a handler of duet_handler_load_command. What is written to the request
 * is the guest's standard input, and what it prints is the body that is read: there is no head, and
 * no more of it waits than response_chunk_bytes. Standard error goes to the log. There are no
 * outgoing requests; resource_limit bounds what the guest waits for at once. */
int32_t duet_command_start(duet_handler* handler, const duet_command_input* input,
                           const duet_limits* limits, uint64_t token, duet_request** out,
                           duet_error* error);

/* ---- sandboxes that are used again ---- */

typedef struct {
  uint32_t requests;    /* that a sandbox answers in its life; 1 at least */
  uint32_t concurrency; /* of them at the same time; 1 at least */
  uint32_t idle_limit;  /* sandboxes that wait for a request; the oldest of more go */
  uint64_t idle_ns;     /* how long they wait */
} duet_reuse;

/* Sandboxes of a handler of duet_handler_load_service that answer several requests. A sandbox that
 * ends (a trap, a budget that was overrun) ends all requests in it, each with the same outcome. A
 * request that is freed before its end keeps its sandbox from taking more, and those that are in it
 * go on. The bounds of duet_limits for memory, tables, instances and log hold for the sandbox as
 * they were when it was made, that for resources once for each request at a time; log_bytes counts
 * anew with each request. CPU time counts for the request whose poll it was spent in. Nobody polls
 * a sandbox without requests. `token` is made ready when duet_instances_tidy should be called. */
int32_t duet_instances_new(const duet_handler* handler, const duet_reuse* reuse, uint64_t token,
                           duet_instances** out, duet_error* error);
/* As duet_request_start, in a sandbox that takes more, or in a fresh one. */
int32_t duet_instances_start(duet_instances* instances, const duet_request_head* head,
                             const duet_limits* limits, uint64_t token, duet_request** out,
                             duet_error* error);
/* Frees sandboxes that waited for too long. */
void duet_instances_tidy(duet_instances* instances);
/* How many sandboxes there are. */
size_t duet_instances_count(const duet_instances* instances);
/* After their requests, before their handler. */
void duet_instances_free(duet_instances* instances);

/* Ends the guest at once, whatever it does, and frees all. */
void duet_request_free(duet_request* request);

enum {
  DUET_EVENT_HEAD = 1,     /* the response's head is there: duet_request_response_head */
  DUET_EVENT_BODY = 2,     /* a frame of the response is there: duet_request_read */
  DUET_EVENT_WRITABLE = 4, /* the guest took request body bytes, and a write was short before */
  DUET_EVENT_OUTGOING =
      8, /* a new outgoing request: duet_request_next_outgoing; or one that exists changed */
  DUET_EVENT_LOG = 16, /* output was written: duet_request_log */
  DUET_EVENT_END =
      32, /* the guest ended: duet_request_end. The response's body may have frames left. */
};

/* Runs the guest until it waits for something, and says what is there to be taken (what was not
 * taken is said again). Call when duet_engine_next_ready gives the request's token, and once after
 * start. */
uint32_t duet_request_poll(duet_request* request);

typedef struct {
  uint16_t status;
  const duet_field* headers;
  size_t header_count;
} duet_response_head;

/* Takes the response's head; false: not there yet. The head lives until the request is freed. */
bool duet_request_response_head(duet_request* request, duet_response_head* out);

enum {
  DUET_FRAME_PENDING = 0, /* nothing now; a later poll says DUET_EVENT_BODY (or OUTGOING) */
  DUET_FRAME_DATA = 1,
  DUET_FRAME_TRAILERS = 2, /* and the end */
  DUET_FRAME_END = 3,
  DUET_FRAME_ERROR =
      4, /* the body ended before its end: the connection must not be ended properly */
};

typedef struct {
  uint32_t kind;
  duet_slice data; /* DATA: the bytes; ERROR: the reason */
  const duet_field* trailers;
  size_t trailer_count;
} duet_frame;

/* Takes the next frame of the response's body. Not taking is the back-pressure: the guest waits. */
void duet_request_read(duet_request* request, duet_frame* out);

/* Gives bytes of the request's body to the guest; returns how many were taken. */
size_t duet_request_write(duet_request* request, const void* data, size_t size);
/* Ends the request's body, with trailers or none. */
int32_t duet_request_finish(duet_request* request, const duet_field* trailers, size_t trailer_count,
                            duet_error* error);
/* The request's body will not be complete: the guest sees an error (a duet_http_error). */
void duet_request_abort(duet_request* request, int32_t http_error);

typedef struct {
  duet_slice output;      /* what was written since the last call */
  bool error_stream;      /* stderr, else stdout */
  uint64_t dropped_bytes; /* lost since the last call because log_bytes was reached */
} duet_log;

/* Takes output in the order of writing, one stream at a time; false: none. */
bool duet_request_log(duet_request* request, duet_log* out);

enum {
  DUET_END_OK = 0,
  DUET_END_NO_RESPONSE = 1, /* the guest returned without setting a response */
  DUET_END_GUEST_ERROR = 2, /* the guest set an error code instead of a response */
  DUET_END_TRAP = 3,
  DUET_END_CPU = 4,    /* cpu_budget_ns was used up */
  DUET_END_MEMORY = 5, /* trapped after growth was refused by memory_bytes or table_elements */
  DUET_END_EXHAUSTED =
      6, /* no sandbox could be made: all are in use, or the guest needs more than one may have */
  DUET_END_INTERNAL = 7,
  DUET_END_EXIT = 8, /* the guest exited with another code than 0 */
};

typedef struct {
  uint32_t outcome;
  duet_slice message; /* lives until the request is freed; empty for OK */
  uint64_t cpu_ns;
  uint64_t peak_memory_bytes;
} duet_end;

/* How the guest ended; false: it has not. */
bool duet_request_end(duet_request* request, duet_end* out);

typedef struct {
  uint64_t cpu_ns;
  uint64_t peak_memory_bytes;
} duet_usage;

/* What the guest used up to its last poll, whether it ended or not. */
void duet_request_usage(const duet_request* request, duet_usage* out);

/* ---- outgoing requests of a guest ---- */

/* What a guest sees of an outgoing request that failed: the cases of wasi:http error-code that a
 * client meets. */
enum {
  DUET_HTTP_INTERNAL_ERROR = 0,
  DUET_HTTP_DNS_TIMEOUT = 1,
  DUET_HTTP_DNS_ERROR = 2,
  DUET_HTTP_DESTINATION_NOT_FOUND = 3,
  DUET_HTTP_DESTINATION_UNAVAILABLE = 4,
  DUET_HTTP_DESTINATION_IP_PROHIBITED = 5,
  DUET_HTTP_CONNECTION_REFUSED = 6,
  DUET_HTTP_CONNECTION_TERMINATED = 7,
  DUET_HTTP_CONNECTION_TIMEOUT = 8,
  DUET_HTTP_CONNECTION_READ_TIMEOUT = 9,
  DUET_HTTP_CONNECTION_WRITE_TIMEOUT = 10,
  DUET_HTTP_CONNECTION_LIMIT_REACHED = 11,
  DUET_HTTP_TLS_PROTOCOL_ERROR = 12,
  DUET_HTTP_TLS_CERTIFICATE_ERROR = 13,
  DUET_HTTP_REQUEST_DENIED = 14,
  DUET_HTTP_REQUEST_BODY_SIZE = 15,
  DUET_HTTP_RESPONSE_INCOMPLETE = 16,
  DUET_HTTP_RESPONSE_HEADER_SECTION_SIZE = 17,
  DUET_HTTP_RESPONSE_BODY_SIZE = 18,
  DUET_HTTP_RESPONSE_TIMEOUT = 19,
  DUET_HTTP_PROTOCOL_ERROR = 20,
  DUET_HTTP_LOOP_DETECTED = 21,
};

typedef struct {
  uint32_t id; /* names the outgoing request within its request; never 0 */
  duet_slice method;
  duet_slice scheme;
  duet_slice authority;
  duet_slice path_with_query;
  const duet_field* headers;
  size_t header_count;
  uint64_t connect_timeout_ns; /* UINT64_MAX: the guest set none */
  uint64_t first_byte_timeout_ns;
  uint64_t between_bytes_timeout_ns;
} duet_outgoing_head;

/* Takes the next new outgoing request; false: none. The head lives until duet_outgoing_close. */
bool duet_request_next_outgoing(duet_request* request, duet_outgoing_head* out);

enum {
  DUET_OUTGOING_READABLE = 1,  /* a frame of its body can be read */
  DUET_OUTGOING_WRITABLE = 2,  /* there is room for response bytes */
  DUET_OUTGOING_CANCELLED = 4, /* the guest dropped it: nobody waits for the response any more */
};
/* What can be done now for the outgoing request `id`. */
uint32_t duet_outgoing_state(duet_request* request, uint32_t id);
/* Takes the next frame of the outgoing request's body. */
void duet_outgoing_read(duet_request* request, uint32_t id, duet_frame* out);
/* Answers with a head; body bytes follow by duet_outgoing_write and _finish unless `body_complete`.
 */
int32_t duet_outgoing_respond(duet_request* request, uint32_t id, uint16_t status,
                              const duet_field* headers, size_t header_count, bool body_complete,
                              duet_error* error);
size_t duet_outgoing_write(duet_request* request, uint32_t id, const void* data, size_t size);
int32_t duet_outgoing_finish(duet_request* request, uint32_t id, const duet_field* trailers,
                             size_t trailer_count, duet_error* error);
/* Fails it with a duet_http_error, before or after the head. */
void duet_outgoing_fail(duet_request* request, uint32_t id, int32_t http_error);
/* Forgets it. An answer that was not finished becomes an error for the guest. */
void duet_outgoing_close(duet_request* request, uint32_t id);

/* ---- programs ---- */

typedef struct {
  int host_fd; /* an open directory; duplicated */
  duet_slice guest_path;
  bool read_only;
} duet_preopen;

typedef struct {
  const duet_slice* arguments; /* argv[0] first */
  size_t argument_count;
  const duet_field* environment;
  size_t environment_count;
  const duet_preopen* preopens;
  size_t preopen_count;
  uint64_t memory_bytes;   /* linear memory of the whole program; 0: no bound of its own */
  uint64_t table_elements; /* 0: no bound of its own */
  bool network;            /* sockets and name lookup (0.2) as the process itself may use them */
} duet_program_options;

enum {
  DUET_PROGRAM_EXITED = 0,
  DUET_PROGRAM_TRAPPED = 1,
};

typedef struct {
  uint32_t outcome;
  int32_t exit_code; /* EXITED: 0 to 255 */
  char* message;     /* TRAPPED: the trap and its backtrace; freed with duet_program_end_clear */
  size_t message_size;
  uint64_t peak_memory_bytes;
} duet_program_end;

void duet_program_end_clear(duet_program_end* end);

/* Runs a program to its end on this thread, with the process's stdin, stdout and stderr.
 * `component` tells what `fd` holds: a component with wasi:cli/run, or a core module with _start.
 */
int32_t duet_program_run(int fd, bool component, const duet_program_options* options,
                         duet_program_end* out, duet_error* error);

#ifdef __cplusplus
}
#endif

#endif
