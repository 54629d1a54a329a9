#include "cli/targets.h"

#include "cli/invocation.h"
#include "object/format.h"
#include "object/kind.h"

namespace duet::cli {
namespace {

// What `get all` shows.
constexpr object::Kind kAll[] = {object::Kind::kPod, object::Kind::kService,
                                 object::Kind::kDeployment};

Result<std::vector<object::Kind>> parse_kinds(const std::string& word) {
  std::vector<object::Kind> out;
  size_t start = 0;
  while (start <= word.size()) {
    const size_t comma = std::min(word.find(',', start), word.size());
    const std::string one = word.substr(start, comma - start);
    start = comma + 1;
    if (one == "all") {
      out.insert(out.end(), std::begin(kAll), std::end(kAll));
      continue;
    }
    DUET_ASSIGN(const auto kind, parse_kind(one));
    out.push_back(kind);
  }
  return out;
}

Result<Target> parse_slashed(const std::string& word) {
  const size_t slash = word.find('/');
  if (slash == std::string::npos || slash + 1 == word.size() ||
      word.find('/', slash + 1) != std::string::npos) {
    return invalid("\"" + word +
                   "\" is not of the form KIND/NAME; either all names have their "
                   "kind before a slash, or none");
  }
  DUET_ASSIGN(const auto kind, parse_kind(word.substr(0, slash)));
  return Target{kind, word.substr(slash + 1)};
}

}  // namespace

Result<object::Kind> parse_kind(const std::string& word) {
  if (const auto kind = object::kind_from_word(word)) {
    return *kind;
  }
  std::vector<std::string_view> names;
  for (const auto& info : object::all_kinds()) {
    names.push_back(info.plural);
  }
  const std::string_view near = object::nearest_word(word, names);
  return invalid("the node has no resource type \"" + word + "\"" +
                 (near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?"));
}

Result<std::vector<Target>> parse_targets(const std::vector<std::string>& words) {
  std::vector<Target> out;
  if (words.empty()) {
    return out;
  }
  if (words[0].find('/') != std::string::npos) {
    for (const auto& word : words) {
      DUET_ASSIGN(auto target, parse_slashed(word));
      out.push_back(std::move(target));
    }
    return out;
  }
  DUET_ASSIGN(const auto kinds, parse_kinds(words[0]));
  for (const auto kind : kinds) {
    if (words.size() == 1) {
      out.push_back({kind, ""});
    }
    for (size_t i = 1; i < words.size(); ++i) {
      if (words[i].find('/') != std::string::npos) {
        return invalid("there is no need to name a kind before \"" + words[i] + "\"");
      }
      out.push_back({kind, words[i]});
    }
  }
  return out;
}

}  // namespace duet::cli
