// Traps in the code that starts the instance.
#include "http.h"

__attribute__((export_name("_initialize"))) void start(void) { stop(); }

void handle(Request request, ResponseOut out) {
  (void)request;
  answer(out, 200, text("never\n"));
}
