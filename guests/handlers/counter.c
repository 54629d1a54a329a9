// Tries to remember: counts requests in a global. A fresh sandbox for each request answers 1 for
// ever.
#include "http.h"

static uint64_t count;

void handle(Request request, ResponseOut out) {
  (void)request;
  static char line[21];
  Text answer_text = decimal(++count, line);
  line[answer_text.len++] = '\n';
  answer(out, 200, answer_text);
}
