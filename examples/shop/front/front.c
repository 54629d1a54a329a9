// The shop's front: a Wasm handler that lets in who knows the token, turns an order into one with
// prices, and passes it on to the service that keeps the orders. README.md in the folder above
// tells what it takes and gives.
#include <string.h>

#include "menu.h"
#include "order.h"

enum {
  kBodyLimitBytes = 4096,
  kConnectTimeoutMs = 2000,
  kAnswerTimeoutMs = 5000,
};

static const char kUsualMenu[] = "espresso=220 cappuccino=310 tea=250 croissant=180";

static Fields json_headers(void) {
  Fields headers = wasi_http_types_constructor_fields();
  add_header(headers, text("content-type"), text("application/json"));
  return headers;
}

static void answer_json(ResponseOut out, uint16_t status, Fields headers, const JsonText* json) {
  Writer writer = begin(out, status, headers);
  write_body(&writer, json_text(json));
  write_body(&writer, text("\n"));
  end_body(&writer, NULL);
}

static void answer_error(ResponseOut out, uint16_t status, Fields headers, const char* problem) {
  JsonText json = {.size_bytes = 0};
  put(&json, "{\"error\":");
  put_string(&json, text(problem));
  put(&json, "}");
  answer_json(out, status, headers, &json);
}

static Text menu(void) {
  Text menu;
  return environment("SHOP_MENU", &menu) ? menu : text(kUsualMenu);
}

// Takes as long for a wrong token as for the right one of the same length.
static bool same_secret(Text left, Text right) {
  if (left.len != right.len) return false;
  volatile uint8_t difference = 0;
  for (size_t i = 0; i < left.len; i++) difference |= left.ptr[i] ^ right.ptr[i];
  return difference == 0;
}

// Answers and returns false when the request may not pass.
static bool authenticate(Request request, ResponseOut out) {
  static const char kScheme[] = "Bearer ";
  const size_t scheme_size = sizeof kScheme - 1;
  Text token, given;
  if (!environment("SHOP_TOKEN", &token) || token.len == 0) {
    answer_error(out, 500, json_headers(), "the shop is not set up: SHOP_TOKEN is missing");
    return false;
  }
  if (header(request_headers(request), "authorization", &given) && given.len > scheme_size &&
      text_equals_ignoring_case((Text){given.ptr, scheme_size}, text(kScheme)) &&
      same_secret((Text){given.ptr + scheme_size, given.len - scheme_size}, token)) {
    return true;
  }
  Fields headers = json_headers();
  add_header(headers, text("www-authenticate"), text("Bearer realm=\"shop\""));
  answer_error(out, 401, headers, "say who you are: Authorization: Bearer <token>");
  return false;
}

static void answer_menu(ResponseOut out) {
  JsonText json = {.size_bytes = 0};
  Text rest = menu();
  Price price;
  put(&json, "{");
  for (const char* between = ""; next_price(&rest, &price); between = ",") {
    put(&json, between);
    put_string(&json, price.item);
    put(&json, ":");
    put_number(&json, price.price_cents);
  }
  put(&json, "}");
  answer_json(out, 200, json_headers(), &json);
}

static void answer_unreachable(ResponseOut out, const HttpError* error) {
  bool late = error->tag == WASI_HTTP_TYPES_ERROR_CODE_CONNECTION_TIMEOUT ||
              error->tag == WASI_HTTP_TYPES_ERROR_CODE_CONNECTION_READ_TIMEOUT ||
              error->tag == WASI_HTTP_TYPES_ERROR_CODE_HTTP_RESPONSE_TIMEOUT;
  if (late) {
    answer_error(out, 504, json_headers(), "the shop's service takes too long, try again later");
  } else {
    answer_error(out, 502, json_headers(), "the shop's service does not answer, try again later");
  }
}

// Passes `body` (empty for GET) on to the service and its answer back.
static void ask_service(ResponseOut out, wasi_http_types_method_t method, Text body) {
  Text api;
  Call call = {.method = method,
               .headers = json_headers(),
               .connect_timeout_ms = kConnectTimeoutMs,
               .first_byte_timeout_ms = kAnswerTimeoutMs};
  if (!environment("SHOP_API", &api) || !parse_url(api, &call.url)) {
    answer_error(out, 500, json_headers(), "the shop is not set up: SHOP_API is no http URL");
    return;
  }
  call.url.path = text("/orders");
  if (body.len > 0) {
    char digits[20];
    add_header(call.headers, text("content-length"), decimal(body.len, digits));
  }
  Writer writer;
  PendingAnswer pending;
  Response response;
  HttpError error;
  if (!start_call(&call, &writer, &pending, &error)) {
    answer_unreachable(out, &error);
    return;
  }
  write_body(&writer, body);
  end_body(&writer, NULL);
  if (await_answer(pending, &response, &error)) {
    relay(response, out);
  } else {
    answer_unreachable(out, &error);
  }
}

// False when there are more than kBodyLimitBytes.
static bool read_all(Request request, Text* body) {
  static uint8_t bytes[kBodyLimitBytes];
  *body = (Text){bytes, 0};
  Reader reader = read_request(request);
  Text part;
  while (read_body(&reader, sizeof bytes, &part)) {
    if (part.len > sizeof bytes - body->len) return false;
    memcpy(bytes + body->len, part.ptr, part.len);
    body->len += part.len;
  }
  return true;
}

static void take_order(Request request, ResponseOut out) {
  Text body;
  if (!read_all(request, &body)) {
    answer_error(out, 413, json_headers(), "an order has at most 4096 bytes");
    return;
  }
  JsonText order = {.size_bytes = 0};
  uint16_t status;
  const char* problem = price_order(body, menu(), &order, &status);
  if (problem != NULL) {
    answer_error(out, status, json_headers(), problem);
    return;
  }
  ask_service(out, (wasi_http_types_method_t){.tag = WASI_HTTP_TYPES_METHOD_POST},
              json_text(&order));
}

static void answer_wrong_method(ResponseOut out, const char* allowed) {
  Fields headers = json_headers();
  add_header(headers, text("allow"), text(allowed));
  answer_error(out, 405, headers, "this path does not know that method");
}

void handle(Request request, ResponseOut out) {
  Text path = request_path(request);
  wasi_http_types_method_t method;
  wasi_http_types_method_incoming_request_method(wasi_http_types_borrow_incoming_request(request),
                                                 &method);
  bool reads = method.tag == WASI_HTTP_TYPES_METHOD_GET;
  if (text_equals(path, text("/menu"))) {
    if (reads) return answer_menu(out);
    return answer_wrong_method(out, "GET");
  }
  if (!text_equals(path, text("/orders"))) {
    return answer_error(out, 404, json_headers(), "the shop has /menu and /orders");
  }
  if (!authenticate(request, out)) return;
  if (reads) return ask_service(out, method, text(""));
  if (method.tag == WASI_HTTP_TYPES_METHOD_POST) return take_order(request, out);
  answer_wrong_method(out, "GET, POST");
}
