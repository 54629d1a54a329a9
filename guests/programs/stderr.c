// Writes its arguments, or a line of its own, to standard error and one line to standard output.
#include <stdio.h>

int main(int argc, char** argv) {
  if (argc < 2) fputs("a line for stderr\n", stderr);
  for (int i = 1; i < argc; i++) fprintf(stderr, "%s\n", argv[i]);
  return puts("a line for stdout") < 0;
}
