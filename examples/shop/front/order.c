#include "order.h"

#include "menu.h"

enum { kQuantityLimit = 100 };

typedef struct {
  Text item;
  uint64_t quantity;
} Wish;

static const char* read_wish(Text json, Wish* wish, uint16_t* status) {
  *status = 400;
  ObjectReader reader = read_object(json);
  Member member;
  Step step;
  while ((step = next_member(&reader, &member)) == kMember) {
    if (text_equals(member.name, text("item")) && member.is_string) {
      wish->item = member.string;
    } else if (text_equals(member.name, text("qty")) && member.is_integer) {
      wish->quantity = member.integer;
    } else {
      *status = 422;
      return "an order has an item (a string) and a qty (a whole number), nothing else";
    }
  }
  return step == kEnd ? NULL : "the body is not one flat JSON object";
}

const char* price_order(Text json, Text menu, JsonText* order, uint16_t* status) {
  Wish wish = {0};
  const char* problem = read_wish(json, &wish, status);
  if (problem != NULL) return problem;
  *status = 422;
  Price price;
  if (!find_price(menu, wish.item, &price)) return "the item is not on the menu";
  if (wish.quantity < 1 || wish.quantity > kQuantityLimit) return "qty must be 1 to 100";
  put(order, "{\"item\":");
  put_string(order, price.item);
  put(order, ",\"qty\":");
  put_number(order, wish.quantity);
  put(order, ",\"price_cents\":");
  put_number(order, price.price_cents);
  put(order, ",\"total_cents\":");
  put_number(order, price.price_cents * wish.quantity);
  put(order, "}");
  return NULL;
}
