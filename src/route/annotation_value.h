#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "object/object.h"

// The values of annotations under duet.edge/, by their names without that prefix.
namespace duet::route {

// Its text; nullptr: it is not there.
const std::string* find_annotation_text(const object::StringMap& annotations,
                                        std::string_view name);

// Takes the number of an annotation if it is there. What is wrong with it becomes a sentence in
// `problems`, and `into` stays.
void read_annotation(const object::StringMap& annotations, std::string_view name,
                     std::int64_t& into, std::vector<std::string>& problems);

// That sentence. Manifests were checked before they were stored, but older ones may stand there.
std::string annotation_problem(std::string_view name, const std::string& text, const Error& error);

}  // namespace duet::route
