// Waits ms= milliseconds (100 when absent) on the clock, then answers.
#include "http.h"

void handle(Request request, ResponseOut out) {
  sleep_ms(query_number(request, "ms", 100));
  answer(out, 200, text("slept\n"));
}
