// What the shop sells, from a text such as "espresso=220 tea=250": names and prices in cents.
#pragma once

#include "http.h"

typedef struct {
  Text item;
  uint64_t price_cents;
} Price;

// Takes the next price off the front of `menu`. False at its end; an entry without a price is
// passed over.
bool next_price(Text* menu, Price* price);
bool find_price(Text menu, Text item, Price* price);
