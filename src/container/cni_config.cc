#include "container/cni_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "container/run.h"
#include "sys/file.h"

namespace duet::container {

namespace {

using nlohmann::json;

constexpr size_t kConfigLimitBytes = 1 << 20;
constexpr size_t kPluginLimit = 32;
constexpr char kDefaultVersion[] = "1.0.0";

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string text_in(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::array<int, 3> numbers_of(const std::string& version) {
  std::array<int, 3> numbers{};
  std::sscanf(version.c_str(), "%d.%d.%d", &numbers[0], &numbers[1], &numbers[2]);
  return numbers;
}

// The name goes into file names and a type is looked up as one.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name[0] != '.' && name.size() <= 200 &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
             "._-") == std::string::npos;
}

Status add_plugin(const json& plugin, CniList& list) {
  const std::string type = plugin.is_object() ? text_in(plugin, "type") : "";
  if (!is_plain_name(type)) {
    return invalid("CNI network \"" + list.name + "\": plugin " +
                   std::to_string(list.plugins.size() + 1) + " has no usable \"type\"");
  }
  list.types.push_back(type);
  list.plugins.push_back(dump(plugin));
  return {};
}

// "10.88.0.5/16" in its parts.
CniAddress address_of(const std::string& text) {
  CniAddress address;
  const size_t slash = text.find('/');
  address.address = text.substr(0, slash);
  if (slash != std::string::npos) {
    std::from_chars(text.data() + slash + 1, text.data() + text.size(), address.prefix_length);
  }
  return address;
}

// The name of the interface that `ip` is on; none when that is one of the host's.
std::optional<std::string> interface_of(const json& result, const json& ip) {
  const auto index = ip.find("interface");
  const auto interfaces = result.find("interfaces");
  if (index == ip.end() || !index->is_number_unsigned() || interfaces == result.end() ||
      !interfaces->is_array() || index->get<size_t>() >= interfaces->size()) {
    return "";
  }
  const json& each = (*interfaces)[index->get<size_t>()];
  if (!each.is_object() || text_in(each, "sandbox").empty()) {
    return std::nullopt;
  }
  return text_in(each, "name");
}

}  // namespace

bool cni_version_at_least(const std::string& version, const std::string& least) {
  return numbers_of(version) >= numbers_of(least);
}

bool iptables_installed() { return !find_program("iptables", program_directories()).empty(); }

std::string bridge_conflist(const BridgeNetwork& network) {
  json range = json::object();
  range["subnet"] = network.subnet;
  json ipam = {{"type", "host-local"}, {"dataDir", network.ipam_data_directory}};
  ipam["ranges"] = json::array({json::array({range})});
  ipam["routes"] = json::array({json{{"dst", "0.0.0.0/0"}}});
  json plugins = json::array();
  plugins.push_back(json{{"type", "bridge"},
                         {"bridge", network.bridge},
                         {"isGateway", true},
                         {"hairpinMode", true},
                         {"ipam", ipam}});
  if (network.port_map) {
    plugins.push_back(
        json{{"type", "portmap"}, {"snat", true}, {"capabilities", json{{"portMappings", true}}}});
  }
  return dump(json{{"cniVersion", kDefaultVersion}, {"name", network.name}, {"plugins", plugins}});
}

Result<std::string> first_conflist(const std::string& directory) {
  DUET_ASSIGN(const auto names, sys::list_directory(directory));
  for (const auto& name : names) {
    if (name.ends_with(".conflist") || name.ends_with(".conf") || name.ends_with(".json")) {
      return sys::read_file(directory + "/" + name, kConfigLimitBytes);
    }
  }
  return not_found(directory + ": no CNI network (*.conflist, *.conf, *.json) is configured there");
}

Result<CniList> parse_conflist(const std::string& text) {
  const json parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object()) {
    return invalid("the CNI configuration is not a JSON object");
  }
  CniList list;
  list.name = text_in(parsed, "name");
  list.version = text_in(parsed, "cniVersion");
  if (!is_plain_name(list.name)) {
    return invalid("the CNI configuration has no usable \"name\"");
  }
  if (!cni_version_at_least(list.version, "0.3.1") || cni_version_at_least(list.version, "2.0.0")) {
    return Error(ErrorCode::kUnsupported, "CNI network \"" + list.name + "\": cniVersion \"" +
                                              list.version + "\" is not one of 0.3.1 to 1.x");
  }
  const auto disable = parsed.find("disableCheck");
  list.disable_check = disable != parsed.end() && disable->is_boolean() && disable->get<bool>();
  const auto plugins = parsed.find("plugins");
  if (plugins == parsed.end()) {
    DUET_TRY(add_plugin(parsed, list));
    return list;
  }
  if (!plugins->is_array() || plugins->empty() || plugins->size() > kPluginLimit) {
    return invalid("CNI network \"" + list.name + "\": \"plugins\" must be a list of 1 to " +
                   std::to_string(kPluginLimit));
  }
  for (const auto& plugin : *plugins) {
    DUET_TRY(add_plugin(plugin, list));
  }
  return list;
}

bool takes_port_mappings(const std::string& plugin) {
  const json parsed = json::parse(plugin, nullptr, false);
  const auto capabilities = parsed.is_object() ? parsed.find("capabilities") : parsed.end();
  return capabilities != parsed.end() && capabilities->is_object() &&
         capabilities->value("portMappings", json()) == json(true);
}

Result<std::string> execution_config(const CniList& list, const std::string& plugin,
                                     const std::string& previous_result,
                                     const std::vector<CniPort>& ports) {
  json config = json::parse(plugin, nullptr, false);
  if (!config.is_object()) {
    return Error(ErrorCode::kCorrupt, "the configuration of a CNI plugin is not readable");
  }
  config["name"] = list.name;
  config["cniVersion"] = list.version;
  if (!previous_result.empty()) {
    config["prevResult"] = json::parse(previous_result, nullptr, false);
  }
  if (takes_port_mappings(plugin) && !ports.empty()) {
    json mappings = json::array();
    for (const auto& port : ports) {
      json mapping = {{"hostPort", port.host_port},
                      {"containerPort", port.container_port},
                      {"protocol", port.protocol}};
      if (!port.host_ip.empty()) {
        mapping["hostIP"] = port.host_ip;
      }
      mappings.push_back(std::move(mapping));
    }
    config["runtimeConfig"]["portMappings"] = std::move(mappings);
  }
  config.erase("capabilities");
  return dump(config);
}

Result<CniResult> parse_cni_result(const std::string& text) {
  const json parsed = json::parse(text, nullptr, false);
  const auto ips = parsed.is_object() ? parsed.find("ips") : parsed.end();
  CniResult result;
  result.json = text;
  if (ips != parsed.end() && ips->is_array()) {
    for (const auto& ip : *ips) {
      const auto interface = ip.is_object() ? interface_of(parsed, ip) : std::nullopt;
      if (!interface) {
        continue;
      }
      CniAddress address = address_of(text_in(ip, "address"));
      address.gateway = text_in(ip, "gateway");
      address.interface_name = *interface;
      if (!address.address.empty()) {
        result.addresses.push_back(std::move(address));
      }
    }
  }
  if (result.addresses.empty()) {
    return invalid("the CNI plugins gave the pod no address: " + text.substr(0, 1024));
  }
  return result;
}

std::string cni_error_message(const std::string& out, const std::string& err) {
  const json parsed = json::parse(out, nullptr, false);
  if (parsed.is_object() && !text_in(parsed, "msg").empty()) {
    const std::string details = text_in(parsed, "details");
    return text_in(parsed, "msg") + (details.empty() ? "" : ": " + details);
  }
  std::string text = err.empty() ? out : err;
  while (!text.empty() && text.back() == '\n') {
    text.pop_back();
  }
  return text.empty() ? "it said nothing" : text.substr(0, 4096);
}

}  // namespace duet::container
