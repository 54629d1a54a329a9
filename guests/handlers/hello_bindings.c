// The handler to start from: answers every request with a line of text.
#include "http.h"

void handle(Request request, ResponseOut out) {
  (void)request;
  answer(out, 200, text("hello from duet\n"));
}
