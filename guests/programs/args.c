// Prints its arguments, its environment and the folders it was given.
#include <stdio.h>
#include <stdlib.h>
#include <wasi/api.h>

extern char** environ;

static void print_preopens(void) {
  for (__wasi_fd_t fd = 3;; fd++) {
    __wasi_prestat_t stat;
    if (__wasi_fd_prestat_get(fd, &stat) != 0) return;
    size_t size = stat.u.dir.pr_name_len;
    char* name = calloc(1, size + 1);
    if (name == NULL || __wasi_fd_prestat_dir_name(fd, (uint8_t*)name, size) != 0) exit(1);
    printf("dir %s\n", name);
    free(name);
  }
}

int main(int argc, char** argv) {
  for (int i = 0; i < argc; i++) printf("arg %d %s\n", i, argv[i]);
  for (char** variable = environ; *variable != NULL; variable++) printf("env %s\n", *variable);
  print_preopens();
  return 0;
}
