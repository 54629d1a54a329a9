// Orders: what a client may ask for, and what the shop's service gets.
#pragma once

#include "json.h"

// Checks the client's {"item": NAME, "qty": 1..100} against the menu and writes the order with its
// prices, all in cents. Returns NULL, or what was wrong as a sentence for the client; `status` is
// then the HTTP status.
const char* price_order(Text json, Text menu, JsonText* order, uint16_t* status);
