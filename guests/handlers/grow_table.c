// Takes all table elements it can get, then answers how many it has. A module may have one table,
// so it is the one for pointers to functions that grows: linked with --growable-table.
#include "http.h"

__asm__(".tabletype __indirect_function_table, funcref\n");

__attribute__((target("reference-types"))) static int grow_table(int elements) {
  int before;
  __asm__ volatile(
      "ref.null_func\n"
      "local.get %1\n"
      "table.grow __indirect_function_table\n"
      "local.set %0\n"
      : "=r"(before)
      : "r"(elements));
  return before;
}

void handle(Request request, ResponseOut out) {
  (void)request;
  int elements = 0;
  while (grow_table(1000) != -1) elements += 1000;
  static char line[21];
  Text digits = decimal((uint64_t)elements, line);
  line[digits.len++] = '\n';
  answer(out, 200, digits);
}
