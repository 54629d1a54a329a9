#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/invocation.h"
#include "object/object.h"

// What may stand next on a command line, for the shells.
namespace duet::cli {

struct Candidate {
  std::string word;
  std::string help;  // a few words about it; may be empty
};

struct Candidates {
  std::vector<Candidate> words;
  bool files = false;  // names of files fit as well
};

// What exists on the node. Each gives nothing when it cannot be found out.
struct NamesOnNode {
  std::function<std::vector<std::string>(object::Kind kind, const std::string& ns)> objects;
  std::function<std::vector<std::string>()> images;
};

// Asks the node that the flags of `invocation` mean.
NamesOnNode names_on_node(const Invocation& invocation);

// `words` are those after the program's name, the last one being typed (it may be empty). Whatever
// they are, this is no error. `ask` gives the names as the flags before mean them.
Candidates find_candidates(const std::vector<std::string>& words,
                           const std::function<NamesOnNode(const Invocation&)>& ask);

}  // namespace duet::cli
