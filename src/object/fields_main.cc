// duet-fields: writes docs/kubernetes.md, the list of every field and its state, to stdout.
#include <iostream>

#include "object/field_table.h"

int main() {
  std::cout << duet::object::field_table_markdown();
  return std::cout.flush() ? 0 : 1;
}
