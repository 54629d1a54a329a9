// Takes and touches all the memory it can get, then prints how many MiB that was.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Keeps the compiler from seeing that nobody reads the memory.
static char* volatile taken;

int main(void) {
  enum { kPartBytes = 1 << 20 };
  size_t parts = 0;
  for (; (taken = malloc(kPartBytes)) != NULL; parts++) memset(taken, 1, kPartBytes);
  return printf("%zu MiB\n", parts) < 0;
}
