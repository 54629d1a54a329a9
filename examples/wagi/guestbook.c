// A page with a form, and a greeting for whoever fills it in: a plain C program that speaks CGI.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORM_BYTES 1024  // of a form; what is longer is refused

static const char* variable(const char* name) {
  const char* value = getenv(name);
  return value == NULL ? "" : value;
}

// The form's first value, decoded in place; it is called name.
static char* name_of(char* form) {
  if (strncmp(form, "name=", 5) != 0) return NULL;
  char* from = form + 5;
  char* to = form;
  for (; *from != 0 && *from != '&'; from++) {
    char pair[3] = {0};
    if (*from == '%' && isxdigit((unsigned char)from[1]) && isxdigit((unsigned char)from[2])) {
      memcpy(pair, from + 1, 2);
      *to++ = (char)strtol(pair, NULL, 16);
      from += 2;
    } else {
      *to++ = *from == '+' ? ' ' : *from;
    }
  }
  *to = 0;
  return form;
}

static void print_escaped(const char* text) {
  for (; *text != 0; text++) {
    if (strchr("<>&\"'", *text) != NULL) {
      printf("&#%d;", *text);
    } else {
      putchar(*text);
    }
  }
}

static int answer(const char* status) {
  printf("Status: %s\nContent-Type: text/plain\n\n%s\n", status, status);
  return 0;
}

static int greet(void) {
  static char form[FORM_BYTES + 1];
  const size_t size = fread(form, 1, sizeof form, stdin);
  if (size > FORM_BYTES) return answer("413 Content Too Large");
  form[size] = 0;
  const char* name = name_of(form);
  if (name == NULL || *name == 0) return answer("422 Unprocessable Content");
  fprintf(stderr, "a guest from %s\n", variable("REMOTE_ADDR"));
  printf("Content-Type: text/html; charset=utf-8\n\n<p>%s, ", variable("GREETING"));
  print_escaped(name);
  printf("!\n");
  return 0;
}

int main(void) {
  const char* method = variable("REQUEST_METHOD");
  if (strcmp(method, "POST") == 0) return greet();
  if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) return answer("405 Method Not Allowed");
  printf(
      "Content-Type: text/html; charset=utf-8\n\n"
      "<!doctype html>\n<title>Guest book</title>\n"
      "<form method=post><label>Who are you? <input name=name></label></form>\n");
  return 0;
}
