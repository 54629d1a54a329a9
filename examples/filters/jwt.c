// Lets through who brings a valid token: Authorization: Bearer <JWT>, signed with HMAC-SHA-256
// (HS256, RFC 7519) and the key in JWT_KEY. The next step gets the token's subject as x-subject,
// and never one that the client made up.
#include <string.h>

#include "filter.h"

static bool split(Text* rest, char at, Text* head) {
  uint8_t* found = memchr(rest->ptr, at, rest->len);
  if (found == NULL) return false;
  *head = (Text){rest->ptr, (size_t)(found - rest->ptr)};
  *rest = (Text){found + 1, rest->len - head->len - 1};
  return true;
}

// The same time for every wrong signature.
static bool same(Text left, const uint8_t* right, size_t size) {
  uint8_t difference = left.len != size;
  for (size_t i = 0; i < left.len && i < size; i++) difference |= left.ptr[i] ^ right[i];
  return difference == 0;
}

// The claims of a token that is signed with `key` and has not expired.
static bool verify(Text token, Text key, Text* claims) {
  Text rest = token, head, value;
  if (!split(&rest, '.', &head) || !split(&rest, '.', claims)) return false;
  uint8_t expected[32];
  hmac_sha256(key, (Text){token.ptr, head.len + 1 + claims->len}, expected);
  if (!base64url(&rest) || !same(rest, expected, sizeof expected)) return false;
  if (!base64url(&head) || !json_member(head, "alg", &value) ||
      !text_equals(json_unquoted(value), text("HS256")) || !base64url(claims)) {
    return false;
  }
  wasi_clocks_wall_clock_datetime_t now;
  wasi_clocks_wall_clock_now(&now);
  return !json_member(*claims, "exp", &value) || number(value, 0) > now.seconds;
}

void handle(Request request, ResponseOut out) {
  static const char kScheme[] = "Bearer ";
  Fields headers = copy_headers(request_headers(request));
  Text token, key, claims, subject;
  if (!environment("JWT_KEY", &key)) stop();
  if (!header(headers, "authorization", &token) || token.len < strlen(kScheme) ||
      memcmp(token.ptr, kScheme, strlen(kScheme)) != 0 ||
      !verify((Text){token.ptr + strlen(kScheme), token.len - strlen(kScheme)}, key, &claims)) {
    answer(out, 401, text("a valid token is needed: Authorization: Bearer <token>\n"));
    return;
  }
  remove_header(headers, "authorization");
  remove_header(headers, "x-subject");
  if (json_member(claims, "sub", &subject)) {
    set_header(headers, "x-subject", json_unquoted(subject));
  }
  pass_on(request, headers, out, NULL);
}
