// What a host must survive of a program that speaks CGI, one way a path:
//   /loop         burns the CPU for ever, before it prints anything
//   /loop-after   the same after its head
//   /head         prints fields for ever
//   /line         prints one field for ever
//   /body         prints its body for ever
//   /log          writes to standard error for ever
//   /trap         traps before its head
//   /trap-after   traps in the middle of its body
//   /exit         exits with 3 before its head
//   /exit-after   exits with 3 in the middle of its body
//   /exit-whole   exits with 3 when all is printed
//   /nothing      prints nothing
//   /half-head    ends within its head
//   /html         prints a document without a head
//   /sleep        waits for ever
//   /poll         waits for ever for its own input and output, in a circle
//   /stack        calls itself for ever
//   /grow         takes all memory it can get, and says how much
//   /random       asks for more random bytes at once than it gets
//   /deaf         answers at once, and reads nothing of its input
//   /print        prints what HTTP_X_PRINT says, with \n, \r, \0 and \t for the bytes, and ends
//   /drip         prints a byte every 10 ms, for ever
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HEAD "Content-Type: text/plain\n\n"

static volatile uint64_t sink;

static void put(int fd, const char* text, size_t size) {
  while (size > 0) {
    ssize_t done = write(fd, text, size);
    if (done <= 0) exit(9);
    text += done;
    size -= (size_t)done;
  }
}

static void say(const char* text) { put(1, text, strlen(text)); }

static void loop(void) {
  for (;;) sink++;
}

static void for_ever(int fd, const char* text) {
  static char block[8192];
  size_t size = strlen(text);
  size_t used = 0;
  for (; used + size <= sizeof block; used += size) memcpy(block + used, text, size);
  for (;;) put(fd, block, used);
}

// More than any buffer between here and the client holds, so that the head is on its way.
static void begin_body(void) {
  say(HEAD);
  static char half[300000];
  memset(half, 'x', sizeof half);
  put(1, half, sizeof half);
}

static void wait_ms(long ms) {
  struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
  nanosleep(&time, NULL);
}

static void poll_for_ever(void) {
  struct pollfd both[2] = {{.fd = 0, .events = POLLIN}, {.fd = 1, .events = POLLOUT}};
  for (;;) poll(both, 2, -1);
}

static uint64_t dive(uint64_t depth) {
  volatile uint64_t here = depth;
  return here == UINT64_MAX ? 0 : dive(here + 1) + here;
}

static void grow(void) {
  while (__builtin_wasm_memory_grow(0, 16) != (size_t)-1) {
  }
  printf(HEAD "%zu\n", __builtin_wasm_memory_size(0));
}

__attribute__((import_module("wasi_snapshot_preview1"), import_name("random_get"))) int random_get(
    void* to, uint32_t size);

static void ask_random(void) {
  uint32_t size = 8 << 20;
  random_get(malloc(size), size);
  say(HEAD);
}

static void print(const char* text) {
  for (; *text != 0; text++) {
    if (*text != '\\') {
      put(1, text, 1);
      continue;
    }
    text++;
    char byte = *text == 'n' ? '\n' : *text == 'r' ? '\r' : *text == 't' ? '\t' : '\0';
    put(1, &byte, 1);
  }
}

static void drip(void) {
  say(HEAD);
  for (;;) {
    say(".");
    wait_ms(10);
  }
}

int main(void) {
  const char* path = getenv("PATH_INFO");
#define IS(name) (strcmp(path, "/" name) == 0)
  if (IS("loop")) loop();
  if (IS("loop-after")) begin_body(), loop();
  if (IS("head")) for_ever(1, "X-More: more\n");
  if (IS("line")) say("X-Long: "), for_ever(1, "more ");
  if (IS("body")) say(HEAD), for_ever(1, "more\n");
  if (IS("log")) for_ever(2, "more of what nobody reads, and more of it, and more and more of\n");
  if (IS("trap")) __builtin_trap();
  if (IS("trap-after")) begin_body(), __builtin_trap();
  if (IS("exit")) return 3;
  if (IS("exit-after")) return begin_body(), 3;
  if (IS("exit-whole")) return say(HEAD "whole\n"), 3;
  if (IS("nothing")) return 0;
  if (IS("half-head")) return say("Content-Type: text/plain\n"), 0;
  if (IS("html")) return say("<!doctype html>\n<title>no head</title>\n"), 0;
  if (IS("sleep")) wait_ms(1000000000);
  if (IS("poll")) poll_for_ever();
  if (IS("stack")) return (int)dive(0);
  if (IS("grow")) return grow(), 0;
  if (IS("random")) return ask_random(), 0;
  if (IS("deaf")) return say(HEAD "deaf\n"), 0;
  if (IS("print")) return print(getenv("HTTP_X_PRINT")), 0;
  if (IS("drip")) drip();
  say("Status: 404\n\n");
  return 0;
}
