// The primer's hello-wasm: greets, then says every ten seconds that it is still there. It never
// ends by itself, so the pod stays Running and `duet logs -f hello-wasm` has something to follow.
#include <stdio.h>
#include <time.h>

static const struct timespec kPause = {.tv_sec = 10};

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (puts("Hello from WebAssembly, on duet.") < 0) return 1;
  for (unsigned long beat = 1;; beat++) {
    nanosleep(&kPause, NULL);
    if (printf("still here: heartbeat %lu\n", beat) < 0) return 1;
  }
}
