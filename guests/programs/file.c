// Works on files in the folders it was given: `read PATH`, `write PATH TEXT`, `append PATH TEXT`,
// `list PATH`, `remove PATH`. Ends with 1 and the reason on standard error when that does not work.
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int fail(const char* what, const char* path) {
  fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
  return 1;
}

static int read_file(const char* path) {
  FILE* file = fopen(path, "r");
  if (file == NULL) return fail("open", path);
  char part[4096];
  size_t size;
  while ((size = fread(part, 1, sizeof part, file)) > 0) fwrite(part, 1, size, stdout);
  int failed = ferror(file);
  fclose(file);
  return failed ? fail("read", path) : 0;
}

static int write_file(const char* path, const char* mode, const char* text) {
  FILE* file = fopen(path, mode);
  if (file == NULL) return fail("open", path);
  int failed = fputs(text, file) < 0;
  return fclose(file) != 0 || failed ? fail("write", path) : 0;
}

static int list(const char* path) {
  DIR* folder = opendir(path);
  if (folder == NULL) return fail("list", path);
  for (struct dirent* entry; (entry = readdir(folder)) != NULL;) {
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) puts(entry->d_name);
  }
  closedir(folder);
  return 0;
}

int main(int argc, char** argv) {
  const char* verb = argc > 2 ? argv[1] : "";
  if (strcmp(verb, "read") == 0) return read_file(argv[2]);
  if (strcmp(verb, "list") == 0) return list(argv[2]);
  if (strcmp(verb, "remove") == 0) return unlink(argv[2]) == 0 ? 0 : fail("remove", argv[2]);
  if (argc > 3 && strcmp(verb, "write") == 0) return write_file(argv[2], "w", argv[3]);
  if (argc > 3 && strcmp(verb, "append") == 0) return write_file(argv[2], "a", argv[3]);
  fputs("usage: read PATH | write PATH TEXT | append PATH TEXT | list PATH | remove PATH\n",
        stderr);
  return 2;
}
