#include "menu.h"

#include <string.h>

static Text take_entry(Text* menu) {
  while (menu->len > 0 && menu->ptr[0] <= ' ') {
    menu->ptr++;
    menu->len--;
  }
  Text entry = {menu->ptr, 0};
  while (menu->len > 0 && menu->ptr[0] > ' ') {
    menu->ptr++;
    menu->len--;
    entry.len++;
  }
  return entry;
}

bool next_price(Text* menu, Price* price) {
  for (;;) {
    Text entry = take_entry(menu);
    if (entry.len == 0) return false;
    uint8_t* mark = memchr(entry.ptr, '=', entry.len);
    if (mark == NULL || mark == entry.ptr) continue;
    price->item = (Text){entry.ptr, (size_t)(mark - entry.ptr)};
    price->price_cents = number((Text){mark + 1, entry.len - price->item.len - 1}, 0);
    if (price->price_cents > 0) return true;
  }
}

bool find_price(Text menu, Text item, Price* price) {
  while (next_price(&menu, price)) {
    if (text_equals(price->item, item)) return true;
  }
  return false;
}
