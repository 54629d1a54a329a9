#include "cli/verbs.h"

#include <array>

namespace duet::cli {
namespace {

constexpr Flag kGlobalFlags[] = {
    {"namespace", 'n', "NAME", "Namespace of the objects (default \"default\")"},
    {"socket", 0, "PATH", "Socket of the node's local API"},
    {"state-dir", 0, "PATH", "Folder of the node's images, code and objects"},
    {"run-dir", 0, "PATH", "Folder of the node's sockets"},
    {"help", 'h', "", "Show the help of a verb"},
};

}  // namespace

std::span<const Verb> all_verbs() {
  static const std::array kVerbs = {
      up_verb(),     agent_verb(), get_verb(),     describe_verb(), apply_verb(),
      delete_verb(), logs_verb(),  exec_verb(),    attach_verb(),   run_verb(),
      serve_verb(),  image_verb(), version_verb(), help_verb(),     completion_verb(),
  };
  return kVerbs;
}

std::span<const Flag> global_flags() { return kGlobalFlags; }

const Verb* find_verb(std::span<const Verb> verbs, std::string_view name) {
  for (const Verb& verb : verbs) {
    if (verb.name == name) {
      return &verb;
    }
  }
  return nullptr;
}

}  // namespace duet::cli
