// Any bytes as the table that an agent sends: an error, or a table that is the same when it is
// written and read again.
#include <cstdint>
#include <string_view>

#include "base/require.h"
#include "gateway/config.h"

using namespace duet;           // NOLINT
using namespace duet::gateway;  // NOLINT

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto table = parse_route_table({reinterpret_cast<const char*>(data), size});
  if (table.ok()) {
    const auto again = parse_route_table(format_route_table(*table));
    require(again.ok() && *again == *table);
  } else {
    require(!table.error().message().empty());
  }
  return 0;
}
