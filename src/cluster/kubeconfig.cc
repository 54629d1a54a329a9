#include "cluster/kubeconfig.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/base64.h"
#include "net/certificate.h"
#include "object/yaml_reader.h"
#include "sys/file.h"

namespace duet::cluster {
namespace {

using object::MarkedNode;

constexpr std::size_t kFileBytes = 1 << 20;  // of the kubeconfig and of each file it names

// One kubeconfig that is being read.
class Reader {
 public:
  explicit Reader(std::string path)
      : path_(std::move(path)), folder_(std::filesystem::path(path_).parent_path()) {}

  Result<Access> read() {
    DUET_ASSIGN(const std::string text, sys::read_file(path_, kFileBytes));
    const auto stream = object::read_yaml(text, path_, {.document_limit = 1});
    if (!stream.problems.empty()) {
      return invalid(stream.problems.front().describe());
    }
    if (stream.documents.empty() || !stream.documents[0].root.is(MarkedNode::Type::kMap)) {
      return invalid(path_ + ": no kubeconfig: it has no keys");
    }
    const MarkedNode& root = stream.documents[0].root;
    const std::string wanted = text_of(root, "current-context");
    if (wanted.empty()) {
      return invalid(path_ + ": current-context: it names no context");
    }
    DUET_ASSIGN(const MarkedNode* context, find_named(root, "contexts", wanted, "context"));
    DUET_ASSIGN(const MarkedNode* cluster,
                find_named(root, "clusters", text_of(*context, "cluster"), "cluster"));
    Access access;
    DUET_ASSIGN(access.endpoint, endpoint_of(*cluster));
    if (const std::string name = text_of(*context, "user"); !name.empty()) {
      DUET_ASSIGN(const MarkedNode* user, find_named(root, "users", name, "user"));
      DUET_TRY(take_user(*user, access));
    }
    return access;
  }

 private:
  static std::string text_of(const MarkedNode& map, std::string_view key) {
    const MarkedNode* value = map.find(key);
    return value != nullptr && value->is_scalar() ? value->text : std::string();
  }

  std::string place(const MarkedNode& node) const {
    return path_ + ":" + std::to_string(node.mark.line);
  }

  // The entry of the list `list` with that name: what it has under `member`.
  Result<const MarkedNode*> find_named(const MarkedNode& root, std::string_view list,
                                       const std::string& name, std::string_view member) const {
    const MarkedNode* entries = root.find(list);
    if (entries != nullptr) {
      for (const MarkedNode& entry : entries->items) {
        const MarkedNode* found = entry.find(member);
        if (text_of(entry, "name") == name && found != nullptr &&
            found->is(MarkedNode::Type::kMap)) {
          return found;
        }
      }
    }
    return invalid(path_ + ": " + std::string(list) + ": none is called \"" + name + "\"");
  }

  Result<Endpoint> endpoint_of(const MarkedNode& cluster) const {
    const MarkedNode* insecure = cluster.find("insecure-skip-tls-verify");
    if (insecure != nullptr && insecure->boolean) {
      return Error(ErrorCode::kUnsupported,
                   place(*insecure) +
                       ": insecure-skip-tls-verify: duet does not talk to a server that it cannot "
                       "verify; name its authority in certificate-authority");
    }
    for (const char* key : {"proxy-url"}) {
      if (const MarkedNode* node = cluster.find(key)) {
        return Error(ErrorCode::kUnsupported, place(*node) + ": " + key + ": not supported");
      }
    }
    auto endpoint = parse_endpoint(text_of(cluster, "server"));
    if (!endpoint.ok()) {
      return endpoint.error().wrap(place(cluster) + ": server");
    }
    if (const std::string name = text_of(cluster, "tls-server-name"); !name.empty()) {
      endpoint->server_name = name;
    }
    DUET_ASSIGN(endpoint->ca_pem, data_or_file(cluster, "certificate-authority"));
    if (endpoint->ca_pem.empty()) {
      return invalid(place(cluster) +
                     ": certificate-authority-data: it is missing, and without it nobody vouches "
                     "for the server");
    }
    return endpoint;
  }

  Status take_user(const MarkedNode& user, Access& access) const {
    for (const char* key : {"exec", "auth-provider", "username", "as"}) {
      if (const MarkedNode* node = user.find(key)) {
        return Error(ErrorCode::kUnsupported,
                     place(*node) + ": " + key +
                         ": not supported; a token or a client certificate is needed");
      }
    }
    DUET_ASSIGN(access.chain_pem, data_or_file(user, "client-certificate"));
    DUET_ASSIGN(access.key_pem, data_or_file(user, "client-key"));
    if (access.chain_pem.empty() != access.key_pem.empty()) {
      return invalid(place(user) + ": client-certificate and client-key belong together");
    }
    if (!access.chain_pem.empty()) {
      if (const auto checked = net::check_certificate(access.chain_pem, access.key_pem);
          !checked.ok()) {
        return checked.error().wrap(place(user) + ": client-certificate");
      }
    }
    access.token = text_of(user, "token");
    if (const MarkedNode* file = user.find("tokenFile"); file != nullptr && access.token.empty()) {
      auto token = read_beside(file->text);
      if (!token.ok()) {
        return token.error().wrap(place(*file) + ": tokenFile");
      }
      access.token = std::move(*token);
      while (access.token.ends_with('\n') || access.token.ends_with('\r')) {
        access.token.pop_back();
      }
    }
    return {};
  }

  // `key`-data in Base64, or else the content of the file that `key` names; empty: neither.
  Result<std::string> data_or_file(const MarkedNode& map, const std::string& key) const {
    const std::string data_key = key + "-data";
    if (const MarkedNode* data = map.find(data_key)) {
      auto decoded = base64_decode(data->text);
      if (!decoded.ok()) {
        return decoded.error().wrap(place(*data) + ": " + data_key);
      }
      return decoded;
    }
    if (const MarkedNode* file = map.find(key)) {
      auto content = read_beside(file->text);
      if (!content.ok()) {
        return content.error().wrap(place(*file) + ": " + key);
      }
      return content;
    }
    return std::string();
  }

  // Relative names are relative to the kubeconfig's folder.
  Result<std::string> read_beside(const std::string& name) const {
    return sys::read_file((folder_ / name).string(), kFileBytes);
  }

  std::string path_;
  std::filesystem::path folder_;
};

}  // namespace

Result<Access> read_kubeconfig(const std::string& path) { return Reader(path).read(); }

// JSON is YAML.
std::string write_kubeconfig(const Access& access, const std::string& user) {
  using Json = nlohmann::json;
  Json who = Json::object();
  if (!access.token.empty()) {
    who["token"] = access.token;
  }
  if (!access.chain_pem.empty()) {
    who["client-certificate-data"] = base64_encode(access.chain_pem);
    who["client-key-data"] = base64_encode(access.key_pem);
  }
  Json cluster = {{"server", access.endpoint.url()},
                  {"certificate-authority-data", base64_encode(access.endpoint.ca_pem)}};
  if (access.endpoint.server_name != access.endpoint.host) {
    cluster["tls-server-name"] = access.endpoint.server_name;
  }
  const Json config = {
      {"apiVersion", "v1"},
      {"kind", "Config"},
      {"current-context", "duet"},
      {"contexts", {{{"name", "duet"}, {"context", {{"cluster", "duet"}, {"user", user}}}}}},
      {"clusters", {{{"name", "duet"}, {"cluster", cluster}}}},
      {"users", {{{"name", user}, {"user", who}}}}};
  return config.dump(2) + "\n";
}

}  // namespace duet::cluster
