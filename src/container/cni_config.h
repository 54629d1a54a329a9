#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "container/cni.h"

// The JSON of the CNI specification: network configuration lists, execution configuration, results.
namespace duet::container {

// What duet uses of a configuration list (CNI spec, section 1).
struct CniList {
  std::string name;
  std::string version;
  bool disable_check = false;
  std::vector<std::string> types;    // of the plugins, in order
  std::vector<std::string> plugins;  // their configuration, JSON
};

// Reads a list, or one plugin's configuration as a list of one. kInvalid says what is wrong;
// kUnsupported: a version before 0.3.1 or after 1.x.
Result<CniList> parse_conflist(const std::string& text);

// Whether versions compare so ("0.4.0" and "1.0.0" are at least "0.4.0").
bool cni_version_at_least(const std::string& version, const std::string& least);

// What a plugin gets on stdin (section 3, deriving the execution configuration): its own
// configuration with the list's name and version, the previous result if there is one, and the port
// mappings if it takes them.
Result<std::string> execution_config(const CniList& list, const std::string& plugin,
                                     const std::string& previous_result,
                                     const std::vector<CniPort>& ports);

// Whether the plugin's configuration asks for port mappings (capabilities.portMappings).
bool takes_port_mappings(const std::string& plugin);

// The addresses of a result (section 5). kInvalid: no result, or one without an address.
Result<CniResult> parse_cni_result(const std::string& text);

// The message of a plugin's error (section 5), or what it said instead.
std::string cni_error_message(const std::string& out, const std::string& err);

}  // namespace duet::container
