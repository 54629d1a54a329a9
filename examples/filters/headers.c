// Rewrites headers on the way: the next step learns the site's name (SITE) and nothing of cookies,
// the client learns nothing of the server behind.
#include "filter.h"

static void change(uint16_t status, Fields headers) {
  remove_header(headers, "server");
  set_header(headers, "x-content-type-options", text("nosniff"));
  if (status >= 500) set_header(headers, "cache-control", text("no-store"));
}

void handle(Request request, ResponseOut out) {
  Fields headers = copy_headers(request_headers(request));
  Text site;
  remove_header(headers, "cookie");
  if (environment("SITE", &site)) set_header(headers, "x-site", site);
  pass_on(request, headers, out, change);
}
