#include "oci/auth.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "oci/json_reader.h"

namespace duet::oci {

namespace {

using nlohmann::json;

int base64_value(char c) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const size_t at = kDigits.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

std::optional<std::string> decode_base64(std::string_view text) {
  while (text.ends_with('=')) {
    text.remove_suffix(1);
  }
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = base64_value(c);
    if (value < 0) {
      return std::nullopt;
    }
    bits = (bits << 6 | static_cast<uint32_t>(value)) & 0xffffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>(bits >> count & 0xff);
    }
  }
  return bytes;
}

// An entry's key without scheme and API version: https://index.docker.io/v1/ is docker.io.
std::string plain_key(std::string_view key) {
  if (const size_t scheme = key.find("://"); scheme != std::string_view::npos) {
    key.remove_prefix(scheme + 3);
  }
  while (key.ends_with('/')) {
    key.remove_suffix(1);
  }
  for (const std::string_view version : {"/v1", "/v2"}) {
    if (key.ends_with(version)) {
      key.remove_suffix(version.size());
    }
  }
  return key == "index.docker.io" || key == "registry-1.docker.io" ? "docker.io" : std::string(key);
}

bool covers(const std::string& key, const std::string& name) {
  return name.starts_with(key) && (name.size() == key.size() || name[key.size()] == '/');
}

Result<Credentials> read_entry(const json& entry) {
  Credentials credentials;
  DUET_ASSIGN(credentials.username, string_member(entry, "username"));
  DUET_ASSIGN(credentials.password, string_member(entry, "password"));
  DUET_ASSIGN(const std::string packed, string_member(entry, "auth"));
  DUET_ASSIGN(const std::string token, string_member(entry, "identitytoken"));
  if (!token.empty()) {
    return Error(ErrorCode::kUnsupported,
                 "identitytoken is not supported; use a user name and a password or access token");
  }
  if (!packed.empty()) {
    const auto plain = decode_base64(packed);
    const size_t colon = plain ? plain->find(':') : std::string::npos;
    if (colon == std::string::npos) {
      return invalid("auth is not base64 of user:password");
    }
    credentials.username = plain->substr(0, colon);
    credentials.password = plain->substr(colon + 1);
    credentials.password.erase(credentials.password.find_last_not_of('\0') + 1);
  }
  return credentials;
}

bool is_token_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// Reads a challenge from left to right.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::string token() {
    skip(" \t,");
    const size_t start = at_;
    while (at_ < text_.size() && is_token_char(text_[at_])) {
      ++at_;
    }
    return std::string(text_.substr(start, at_ - start));
  }

  bool take(char c) {
    skip(" \t");
    if (at_ < text_.size() && text_[at_] == c) {
      ++at_;
      return true;
    }
    return false;
  }

  // A quoted string that ends, or anything up to a comma: registries leave quotes out where the RFC
  // wants them.
  std::optional<std::string> value() {
    if (!take('"')) {
      const size_t start = at_;
      at_ = std::min(text_.find_first_of(", \t\"", at_), text_.size());
      return at_ > start ? std::optional(std::string(text_.substr(start, at_ - start)))
                         : std::nullopt;
    }
    std::string text;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        ++at_;
        return text;
      }
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        ++at_;
      }
      text += text_[at_];
    }
    return std::nullopt;
  }

  bool at_end() {
    skip(" \t,");
    return at_ >= text_.size();
  }

 private:
  void skip(std::string_view what) {
    while (at_ < text_.size() && what.find(text_[at_]) != std::string_view::npos) {
      ++at_;
    }
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<std::optional<Credentials>> find_credentials(std::string_view config_json,
                                                    const Reference& reference) {
  DUET_ASSIGN(const json document, parse_object(config_json));
  const std::string name = reference.registry + "/" + reference.repository;
  const json* best = nullptr;
  size_t best_length = 0;
  const json& auths = member(document, "auths");
  if (!auths.is_object()) {
    return std::optional<Credentials>();
  }
  for (const auto& [key, entry] : auths.items()) {
    const std::string plain = plain_key(key);
    if (plain.size() > best_length && covers(plain, name)) {
      best = &entry;
      best_length = plain.size();
    }
  }
  if (best == nullptr) {
    return std::optional<Credentials>();
  }
  auto credentials = read_entry(*best);
  if (!credentials.ok()) {
    return credentials.error().wrap("credentials for " + name.substr(0, best_length));
  }
  return credentials->username.empty() ? std::optional<Credentials>() : *credentials;
}

Result<Challenge> parse_challenge(std::string_view value) {
  Scanner scanner(value);
  Challenge challenge{.scheme = lower(scanner.token())};
  if (challenge.scheme.empty()) {
    return Error(ErrorCode::kCorrupt, "the registry's challenge cannot be read");
  }
  while (!scanner.at_end()) {
    const std::string name = lower(scanner.token());
    auto text = !name.empty() && scanner.take('=') ? scanner.value() : std::nullopt;
    if (!text) {
      return Error(ErrorCode::kCorrupt, "the registry's challenge cannot be read");
    }
    challenge.parameters.emplace(name, std::move(*text));
  }
  return challenge;
}

}  // namespace duet::oci
