// Burns the CPU for ever before it can be called: in the code that starts the instance.
#include "http.h"

static volatile uint64_t sink;

__attribute__((export_name("_initialize"))) void start(void) {
  for (;;) sink++;
}

void handle(Request request, ResponseOut out) {
  (void)request;
  answer(out, 200, text("never\n"));
}
