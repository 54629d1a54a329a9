// Prints the environment, an empty line, and then what it reads, piece by piece. Of the path /lazy
// it prints that it has read nothing; of /tell it writes to standard error too. An argument is
// printed as a field.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char** environ;

int main(int argc, char** argv) {
  const char* path = getenv("PATH_INFO");
  printf("Content-Type: text/plain\nX-Arguments: %d %s\n\n", argc, argv[argc - 1]);
  if (path != NULL && strcmp(path, "/lazy") == 0) {
    printf("not read\n");
    return 0;
  }
  if (path != NULL && strcmp(path, "/tell") == 0) fprintf(stderr, "told on stderr\n");
  for (char** one = environ; *one != NULL; one++) printf("%s\n", *one);
  printf("\n");
  fflush(stdout);
  char part[4096];
  for (ssize_t size; (size = read(0, part, sizeof part)) != 0;) {
    if (size < 0) return 1;
    for (ssize_t done = 0, step; done < size; done += step) {
      if ((step = write(1, part + done, (size_t)(size - done))) < 0) return 1;
    }
  }
  return 0;
}
