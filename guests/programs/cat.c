// Copies standard input to standard output until it ends.
#include <unistd.h>

int main(void) {
  char part[4096];
  for (ssize_t size; (size = read(0, part, sizeof part)) != 0;) {
    if (size < 0) return 1;
    for (ssize_t done = 0, step; done < size; done += step) {
      if ((step = write(1, part + done, (size_t)(size - done))) < 0) return 1;
    }
  }
  return 0;
}
