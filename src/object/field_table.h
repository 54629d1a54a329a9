#pragma once

#include <string>

namespace duet::object {

// docs/kubernetes.md: every kind and field of schema.h and its state. Pure.
std::string field_table_markdown();

}  // namespace duet::object
