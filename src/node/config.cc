#include "node/config.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>

#include "base/quantity.h"
#include "gateway/control_client.h"
#include "gateway/forwarding.h"
#include "object/annotations.h"
#include "object/format.h"
#include "object/manifest.h"
#include "object/yaml_reader.h"
#include "sys/file.h"

namespace duet::node {

namespace {

using object::MarkedNode;
using object::Problem;

constexpr size_t kConfigBytes = 1 << 20;
constexpr int kWorkerLimit = 256;
constexpr int kTenantLimit = 1'000;
constexpr int kPercentLimit = 99;  // something is left for the whole node
constexpr std::int64_t kRequestLimitBytes = std::int64_t{1} << 40;

// Collects values and what is wrong with them.
class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  using Take = std::function<void(const MarkedNode&)>;
  using Keys = std::map<std::string, Take>;

  Take text(std::string& into) {
    return [this, &into](const MarkedNode& node) {
      if (!node.is(MarkedNode::Type::kString)) {
        wrong(node.mark, "expected text");
      } else {
        into = node.text;
      }
    };
  }

  Take list(std::vector<std::string>& into) {
    return [this, &into](const MarkedNode& node) {
      if (!node.is(MarkedNode::Type::kList)) {
        wrong(node.mark, "expected a list of texts");
        return;
      }
      into.clear();
      for (const auto& item : node.items) {
        std::string value;
        text(value)(item);
        into.push_back(std::move(value));
      }
    };
  }

  Take count(int& into, int most) {
    return [this, &into, most](const MarkedNode& node) {
      if (!node.is(MarkedNode::Type::kInteger) || node.integer < 1 || node.integer > most) {
        wrong(node.mark, "expected a number from 1 to " + std::to_string(most));
      } else {
        into = static_cast<int>(node.integer);
      }
    };
  }

  Take boolean(bool& into) {
    return [this, &into](const MarkedNode& node) {
      if (!node.is(MarkedNode::Type::kBool)) {
        wrong(node.mark, "expected true or false");
      } else {
        into = node.boolean;
      }
    };
  }

  // A quantity of bytes: 256Mi, or a number.
  Take bytes(std::int64_t& into, std::int64_t most) {
    return [this, &into, most](const MarkedNode& node) {
      const bool number = node.is(MarkedNode::Type::kInteger);
      const auto value = number ? Result<std::int64_t>(node.integer) : parse_quantity(node.text);
      const bool fits = number || node.is(MarkedNode::Type::kString);
      if (!fits || !value.ok() || *value < 0 || *value > most) {
        wrong(node.mark, "expected a quantity of bytes such as 256Mi, at most " +
                             object::annotation_text(object::AnnotationType::kBytes, most));
      } else {
        into = *value;
      }
    };
  }

  // Names of the site's own, each with a text.
  Take names(std::map<std::string, std::string>& into) {
    return [this, &into](const MarkedNode& node) {
      if (!node.is(MarkedNode::Type::kMap)) {
        wrong(node.mark, "expected names and values");
        return;
      }
      into.clear();
      for (const auto& member : node.members) {
        text(into[member.key])(member.value);
      }
    };
  }

  Take map(Keys keys) {
    return [this, keys = std::move(keys)](const MarkedNode& node) { take_map(node, keys); };
  }

  void take_map(const MarkedNode& node, const Keys& keys) {
    if (!node.is(MarkedNode::Type::kMap)) {
      wrong(node.mark, "expected keys and values");
      return;
    }
    std::vector<std::string_view> known;
    for (const auto& [key, take] : keys) {
      known.push_back(key);
    }
    for (const auto& member : node.members) {
      const auto found = keys.find(member.key);
      if (found != keys.end()) {
        if (!member.value.is(MarkedNode::Type::kNull)) {
          found->second(member.value);
        }
        continue;
      }
      const auto near = object::nearest_word(member.key, known);
      wrong(member.mark, "unknown key \"" + member.key + "\"" +
                             (near.empty() ? "" : ", did you mean \"" + std::string(near) + "\"?"));
    }
  }

  void wrong(object::Mark mark, const std::string& message) {
    note({.file = file_, .line = mark.line, .column = mark.column, .message = message});
  }
  void note(const Problem& problem) { text_ += (text_.empty() ? "" : "\n") + problem.describe(); }
  const std::string& problems() const { return text_; }

 private:
  std::string file_;
  std::string text_;
};

Reader::Keys keys_of(NodeConfig& config, Reader& reader) {
  return {
      {"stateDirectory", reader.text(config.paths.state)},
      {"runDirectory", reader.text(config.paths.run)},
      {"logDirectory", reader.text(config.paths.logs)},
      {"socket", reader.text(config.paths.socket)},
      {"nodeName", reader.text(config.node_name)},
      {"manifests", reader.list(config.manifests)},
      {"cluster",
       reader.map({{"server", reader.text(config.join.server)},
                   {"tokenFile", reader.text(config.join.token_file)},
                   {"caFile", reader.text(config.join.ca_file)},
                   {"bootstrapKubeconfig", reader.text(config.join.bootstrap_kubeconfig)},
                   {"node", reader.text(config.node_kind)},
                   {"wasmNodePercent", reader.count(config.wasm_node_percent, kPercentLimit)},
                   {"nodeLabels", reader.names(config.node_labels)},
                   {"ingressClass", reader.text(config.ingress_class)},
                   {"ingressAddress", reader.text(config.ingress_address)},
                   {"gateway", reader.text(config.cluster_gateway)},
                   {"kubeletListen", reader.text(config.kubelet_listen)},
                   {"wasmKubeletListen", reader.text(config.wasm_kubelet_listen)},
                   {"clientCAFile", reader.text(config.client_ca_file)}})},
      {"listen", reader.list(config.listen)},
      {"listenTLS", reader.list(config.listen_tls)},
      {"accessLog", reader.text(config.access_log)},
      {"gateway",
       reader.map({{"workers", reader.count(config.gateway_workers, kWorkerLimit)},
                   {"maxTenants", reader.count(config.max_tenants, kTenantLimit)},
                   {"asyncHandlers", reader.boolean(config.async_handlers)},
                   {"maxRequestBytes", reader.bytes(config.max_request_bytes, kRequestLimitBytes)},
                   {"proxyProtocol", reader.list(config.proxy_protocol)},
                   {"trustedProxies", reader.list(config.trusted_proxies)},
                   {"forwardedField", reader.text(config.forwarded_field)},
                   {"caFile", reader.text(config.gateway_ca_file)},
                   {"compression", reader.text(config.compression)},
                   {"staticRoots", reader.names(config.static_roots)}})},
      {"network", reader.map({{"cniConfigDirectory", reader.text(config.cni_config_directory)},
                              {"cniPluginDirectories", reader.list(config.cni_plugin_directories)},
                              {"bridge", reader.text(config.bridge)},
                              {"subnet", reader.text(config.subnet)}})},
      {"containers", reader.map({{"ociRuntimes", reader.list(config.oci_runtimes)},
                                 {"seccompProfile", reader.text(config.seccomp_profile)}})},
      {"registries", reader.map({{"plainHTTP", reader.list(config.plain_http_registries)},
                                 {"authFile", reader.text(config.registry_auth_file)},
                                 {"caFile", reader.text(config.registry_ca_file)}})},
  };
}

constexpr size_t kInterfaceNameLimit = IFNAMSIZ - 1;

bool is_interface_name(const std::string& name) {
  return !name.empty() && name.size() <= kInterfaceNameLimit && name != "." && name != ".." &&
         name.find_first_of("/: \t\n") == std::string::npos;
}

// "10.88.0.0/16": an IPv4 network with room for some pods.
bool is_network(const std::string& text) {
  constexpr int kLeastPrefix = 8;
  constexpr int kMostPrefix = 30;
  const size_t slash = text.find('/');
  in_addr address{};
  int prefix = 0;
  if (slash == std::string::npos ||
      ::inet_pton(AF_INET, text.substr(0, slash).c_str(), &address) != 1) {
    return false;
  }
  const auto [end, error] =
      std::from_chars(text.data() + slash + 1, text.data() + text.size(), prefix);
  if (error != std::errc() || end != text.data() + text.size() || prefix < kLeastPrefix ||
      prefix > kMostPrefix) {
    return false;
  }
  return (ntohl(address.s_addr) & (0xffffffffU >> prefix)) == 0;
}

bool has(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

Status check_kubelet_listen(const std::string& address, const std::string& key) {
  const Status listen = address.empty() ? Status() : gateway::check_listen_address(address);
  return listen.ok() ? listen : listen.error().wrap("cluster." + key + ": " + address);
}

Status check_nodes(const NodeConfig& config) {
  DUET_TRY(check_kubelet_listen(config.kubelet_listen, "kubeletListen"));
  DUET_TRY(check_kubelet_listen(config.wasm_kubelet_listen, "wasmKubeletListen"));
  if (config.node_kind != "wasm" && config.node_kind != "whole") {
    return invalid("cluster.node: \"" + config.node_kind + "\" is neither wasm nor whole");
  }
  if (config.wasm_node_percent == 0) {
    return {};
  }
  if (config.node_kind != "whole") {
    return invalid(
        "cluster.wasmNodePercent: a second Node for Wasm stands beside a whole one; set "
        "cluster.node to whole, or leave it out, for this node is for Wasm already");
  }
  if (!config.kubelet_listen.empty() && config.kubelet_listen == config.wasm_kubelet_listen) {
    return invalid("cluster.wasmKubeletListen: \"" + config.wasm_kubelet_listen +
                   "\" is cluster.kubeletListen as well; each Node has a port of its own");
  }
  return {};
}

Status check_proxies(const NodeConfig& config) {
  const auto forwarding = gateway::Forwarding::make({.trusted_proxies = config.trusted_proxies});
  if (!forwarding.ok()) {
    return forwarding.error().wrap("gateway.trustedProxies");
  }
  for (const auto& address : config.proxy_protocol) {
    if (!has(config.listen, address) && !has(config.listen_tls, address)) {
      return invalid("gateway.proxyProtocol: \"" + address +
                     "\" is none of the addresses of listen and listenTLS");
    }
  }
  if (!config.proxy_protocol.empty() && config.trusted_proxies.empty()) {
    return invalid(
        "gateway.proxyProtocol: nobody is believed without gateway.trustedProxies; name the "
        "addresses of the proxies there, or 0.0.0.0/0 and ::/0 for everybody");
  }
  if (config.forwarded_field != "X-Forwarded-For" && config.forwarded_field != "Forwarded") {
    return invalid("gateway.forwardedField: \"" + config.forwarded_field +
                   "\" is neither X-Forwarded-For nor Forwarded");
  }
  return {};
}

}  // namespace

Status check_config(const NodeConfig& config) {
  for (const auto& address : config.listen) {
    if (const Status listen = gateway::check_listen_address(address); !listen.ok()) {
      return listen.error().wrap("listen: " + address);
    }
  }
  DUET_TRY(check_nodes(config));
  if (!is_interface_name(config.bridge)) {
    return invalid("bridge: \"" + config.bridge + "\" is no name of a network interface: 1 to " +
                   std::to_string(kInterfaceNameLimit) +
                   " characters without \"/\", \":\" and spaces");
  }
  if (!is_network(config.subnet)) {
    return invalid("subnet: \"" + config.subnet +
                   "\" is no IPv4 network: write it as 10.88.0.0/16, with a prefix of 8 to 30 and "
                   "no bits behind it");
  }
  if (!config.ingress_address.empty() && config.ingress_class.empty()) {
    return invalid(
        "cluster.ingressAddress: it is of the Ingresses of cluster.ingressClass, which is not set");
  }
  if (config.compression != "off" && config.compression != "gzip") {
    return invalid("gateway.compression: \"" + config.compression + "\" is neither gzip nor off");
  }
  for (const auto& [name, path] : config.static_roots) {
    if (name.empty() || name.find('/') != std::string::npos || !path.starts_with('/')) {
      return invalid("gateway.staticRoots: \"" + name + "\" and \"" + path +
                     "\" must be a name without \"/\" and the absolute path of a folder");
    }
  }
  return check_proxies(config);
}

Result<NodeConfig> read_config(const std::string& path, const NodeConfig& defaults) {
  DUET_ASSIGN(const std::string text, sys::read_file(path, kConfigBytes));
  const auto stream = object::read_yaml(text, path, {.document_limit = 1});
  NodeConfig config = defaults;
  Reader reader(path);
  for (const auto& problem : stream.problems) {
    reader.note(problem);
  }
  const std::string default_socket = defaults.paths.run + "/duet.sock";
  for (const auto& document : stream.documents) {
    reader.take_map(document.root, keys_of(config, reader));
  }
  if (config.paths.socket == default_socket) {
    config.paths.socket = config.paths.run + "/duet.sock";
  }
  if (!reader.problems().empty()) {
    return invalid(reader.problems());
  }
  return config;
}

}  // namespace duet::node
