// Filters: a handler that stands before the backend of a route (ExtensionRef of an HTTPRoute) asks
// the next step of the route, changed or not, and gives its answer, changed or not. It may also
// answer by itself. Needs no right to outgoing requests.
#pragma once

#include "http.h"

// Headers that can be changed and passed on, without those of one connection.
Fields copy_headers(Fields from);
// False when the host refuses the name or the value.
bool set_header(Fields fields, const char* name, Text value);
bool remove_header(Fields fields, const char* name);

// Changes the head of the next step's answer before the client gets it.
typedef void (*ChangeAnswer)(uint16_t status, Fields headers);

// Passes the request on with `headers` and gives the answer to the client; both bodies stream, at
// the same time if they have to. `change` may be NULL.
void pass_on(Request request, Fields headers, ResponseOut out, ChangeAnswer change);

// Passes the whole request on and waits for the answer, for filters that change its body. Not for
// requests whose answer begins before their body ends.
bool ask_next(Request request, Fields headers, Response* response, HttpError* error);

// Whether `object` is a JSON object, and the value of one of its members as it is written, strings
// with their quotes. False when it is none or has no such member.
bool is_json_object(Text object);
bool json_member(Text object, const char* name, Text* value);
// What stands between the quotes of a string, still escaped; other values as they are.
Text json_unquoted(Text value);

// HMAC with SHA-256 (RFC 2104).
void hmac_sha256(Text key, Text message, uint8_t out[32]);
// Decodes base64url without padding (RFC 7515) in place; false for anything else.
bool base64url(Text* text);
