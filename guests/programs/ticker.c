// Prints "tick 1", "tick 2", ... for ever, one each 100 ms, or each as many milliseconds as its
// argument says. A second argument ends it after so many lines.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char** argv) {
  long pause_ms = argc > 1 ? atol(argv[1]) : 100;
  long last = argc > 2 ? atol(argv[2]) : 0;
  struct timespec pause = {pause_ms / 1000, pause_ms % 1000 * 1000000};
  for (long tick = 1; last == 0 || tick <= last; tick++) {
    if (printf("tick %ld\n", tick) < 0 || fflush(stdout) != 0) return 1;
    nanosleep(&pause, NULL);
  }
  return 0;
}
