#pragma once

#include <string>
#include <vector>

#include "cli/json_text.h"
#include "cli/table.h"
#include "object/object.h"
#include "sys/clock.h"

namespace duet::cli {

// One column of `duet get`.
struct Column {
  std::string_view title;
  std::string (*cell)(const Json& object, sys::WallTime now);
  bool wide = false;  // only with -o wide
};

// The columns of a kind, after NAMESPACE and before labels.
const std::vector<Column>& columns_of(object::Kind kind);

struct TableStyle {
  bool wide = false;
  bool with_namespace = false;
  bool with_kind = false;  // pod/web instead of web
  bool show_labels = false;
};
Row header_row(object::Kind kind, const TableStyle& style);
Row object_row(object::Kind kind, const Json& object, const TableStyle& style, sys::WallTime now);

// pod, deployment.apps: what stands before the slash in names.
std::string kind_prefix(object::Kind kind);

}  // namespace duet::cli
