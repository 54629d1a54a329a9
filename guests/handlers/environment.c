// Answers what it can see: a line "arg <n> <argument>" each, then a line "<name>=<value>" for each
// variable.
#include "http.h"

static void line(Writer* writer, Text first, const char* between, Text second) {
  write_body(writer, first);
  write_body(writer, text(between));
  write_body(writer, second);
  write_body(writer, text("\n"));
}

void handle(Request request, ResponseOut out) {
  (void)request;
  Writer writer = begin(out, 200, wasi_http_types_constructor_fields());
  handler_list_string_t arguments;
  wasi_cli_environment_get_arguments(&arguments);
  for (size_t i = 0; i < arguments.len; i++) {
    char digits[20];
    write_body(&writer, text("arg "));
    line(&writer, decimal(i, digits), " ", arguments.ptr[i]);
  }
  handler_list_tuple2_string_string_t variables;
  wasi_cli_environment_get_environment(&variables);
  for (size_t i = 0; i < variables.len; i++)
    line(&writer, variables.ptr[i].f0, "=", variables.ptr[i].f1);
  end_body(&writer, NULL);
}
