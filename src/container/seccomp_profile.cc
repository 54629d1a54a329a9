#include "container/seccomp_profile.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

namespace duet::container {

namespace {

using nlohmann::json;

struct Architecture {
  std::string_view machine;  // uname
  std::string_view go_name;  // in includes and excludes
  std::string_view seccomp;  // in archMap
};

constexpr std::array<Architecture, 7> kArchitectures = {{
    {"x86_64", "amd64", "SCMP_ARCH_X86_64"},
    {"aarch64", "arm64", "SCMP_ARCH_AARCH64"},
    {"armv7l", "arm", "SCMP_ARCH_ARM"},
    {"i686", "x86", "SCMP_ARCH_X86"},
    {"ppc64le", "ppc64le", "SCMP_ARCH_PPC64LE"},
    {"riscv64", "riscv64", "SCMP_ARCH_RISCV64"},
    {"s390x", "s390x", "SCMP_ARCH_S390X"},
}};

// Where a profile is wrong; found while walking it.
Error malformed(const std::string& where) {
  return {ErrorCode::kCorrupt, "seccomp profile: " + where};
}

bool lists(const json& condition, const char* key, const std::string& value) {
  const auto found = condition.find(key);
  return found != condition.end() && found->is_array() &&
         std::find(found->begin(), found->end(), json(value)) != found->end();
}

std::vector<std::string> strings_of(const json& condition, const char* key) {
  std::vector<std::string> values;
  const auto found = condition.find(key);
  if (found != condition.end() && found->is_array()) {
    for (const auto& each : *found) {
      values.push_back(each.is_string() ? each.get<std::string>() : "");
    }
  }
  return values;
}

// Resolves one rule after the other for one machine and container.
class Converter {
 public:
  Converter(const SeccompContext& context, const Architecture& architecture)
      : context_(context), architecture_(architecture) {}

  Result<json> convert(const json& profile) const {
    const auto calls = profile.find("syscalls");
    if (calls == profile.end() || !calls->is_array()) {
      return malformed("it has no list \"syscalls\"");
    }
    json converted = {{"defaultAction", profile.value("defaultAction", json())},
                      {"architectures", architectures(profile)},
                      {"syscalls", json::array()}};
    if (!converted["defaultAction"].is_string()) {
      return malformed("it has no defaultAction");
    }
    if (const auto value = profile.find("defaultErrnoRet"); value != profile.end()) {
      converted["defaultErrnoRet"] = *value;
    }
    for (const auto& call : *calls) {
      if (!call.is_object()) {
        return malformed("a rule is no object");
      }
      if (applies(call)) {
        DUET_ASSIGN(auto rule, convert_rule(call));
        converted["syscalls"].push_back(std::move(rule));
      }
    }
    return converted;
  }

 private:
  json architectures(const json& profile) const {
    json list = json::array();
    list.push_back(architecture_.seccomp);
    const auto map = profile.find("archMap");
    if (map != profile.end() && map->is_array()) {
      for (const auto& each : *map) {
        if (each.is_object() && each.value("architecture", json()) == list[0] &&
            each.contains("subArchitectures") && each["subArchitectures"].is_array()) {
          std::copy_if(each["subArchitectures"].begin(), each["subArchitectures"].end(),
                       std::back_inserter(list), [this](const json& name) {
                         return context_.x32 || name != "SCMP_ARCH_X32";
                       });
        }
      }
    }
    return list;
  }

  bool has_capability(const std::string& name) const {
    const auto& own = context_.capabilities;
    return std::find(own.begin(), own.end(), name) != own.end();
  }

  bool kernel_at_least(const std::string& version) const {
    int major = 0;
    int minor = 0;
    if (std::sscanf(version.c_str(), "%d.%d", &major, &minor) != 2) {
      return false;
    }
    return std::pair(context_.kernel_major, context_.kernel_minor) >= std::pair(major, minor);
  }

  bool is_included(const json& condition) const {
    const std::string own(architecture_.go_name);
    if (!strings_of(condition, "arches").empty() && !lists(condition, "arches", own)) {
      return false;
    }
    const auto capabilities = strings_of(condition, "caps");
    if (!std::all_of(capabilities.begin(), capabilities.end(),
                     [&](const auto& name) { return has_capability(name); })) {
      return false;
    }
    const auto kernel = condition.find("minKernel");
    return kernel == condition.end() || !kernel->is_string() ||
           kernel_at_least(kernel->get<std::string>());
  }

  bool is_excluded(const json& condition) const {
    if (lists(condition, "arches", std::string(architecture_.go_name))) {
      return true;
    }
    const auto capabilities = strings_of(condition, "caps");
    if (std::any_of(capabilities.begin(), capabilities.end(),
                    [&](const auto& name) { return has_capability(name); })) {
      return true;
    }
    const auto kernel = condition.find("minKernel");
    return kernel != condition.end() && kernel->is_string() &&
           kernel_at_least(kernel->get<std::string>());
  }

  bool applies(const json& call) const {
    const auto includes = call.find("includes");
    const auto excludes = call.find("excludes");
    return (includes == call.end() || !includes->is_object() || is_included(*includes)) &&
           (excludes == call.end() || !excludes->is_object() || !is_excluded(*excludes));
  }

  static Result<json> convert_rule(const json& call) {
    json names = call.value("names", json::array());
    if (const auto name = call.find("name"); name != call.end() && name->is_string()) {
      names.push_back(*name);  // the format's first version
    }
    const json action = call.value("action", json());
    if (!names.is_array() || names.empty() || !action.is_string()) {
      return malformed("a rule has no names or no action");
    }
    json rule = {{"names", names}, {"action", action}};
    if (const auto value = call.find("errnoRet"); value != call.end() && value->is_number()) {
      rule["errnoRet"] = *value;
    }
    if (const auto args = call.find("args"); args != call.end() && args->is_array()) {
      if (!args->empty()) {
        rule["args"] = *args;
      }
    }
    return rule;
  }

  const SeccompContext& context_;
  const Architecture& architecture_;
};

}  // namespace

Result<std::string> convert_seccomp_profile(const std::string& profile,
                                            const SeccompContext& context) {
  const json parsed = json::parse(profile, nullptr, false);
  if (!parsed.is_object()) {
    return malformed("it is not a JSON object");
  }
  if (parsed.contains("architectures")) {
    return parsed.dump();
  }
  const auto* const architecture =
      std::find_if(kArchitectures.begin(), kArchitectures.end(),
                   [&](const auto& each) { return each.machine == context.architecture; });
  if (architecture == kArchitectures.end()) {
    return Error(ErrorCode::kUnsupported,
                 "seccomp profile: machine \"" + context.architecture + "\" is not known");
  }
  DUET_ASSIGN(const json converted, Converter(context, *architecture).convert(parsed));
  return converted.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace duet::container
