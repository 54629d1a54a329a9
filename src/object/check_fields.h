#pragma once

#include "object/findings.h"
#include "object/schema.h"

namespace duet::object {

// Holds `object` against a table: unknown, missing and unsupported fields, types, values, formats.
void check_fields(const Place& object, const Structure& structure);

// `object` without the fields that a manifest cannot set (FieldState::kReadOnly) and without nulls.
MarkedNode without_read_only(const MarkedNode& object, const Structure& structure);

}  // namespace duet::object
