#include "oci/reference.h"

#include <algorithm>
#include <cctype>

#include "oci/digest.h"

namespace duet::oci {

namespace {

constexpr std::string_view kDockerHub = "docker.io";
constexpr size_t kNameLimitBytes = 255;
constexpr size_t kTagLimitBytes = 128;

bool is_lower_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_alnum(char c) { return is_lower_alnum(c) || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

// [a-z0-9]+ joined by one '.', one or two '_', or any number of '-'.
bool is_path_component(std::string_view part) {
  size_t at = 0;
  const auto skip_word = [&] {
    const size_t start = at;
    while (at < part.size() && is_lower_alnum(part[at])) {
      ++at;
    }
    return at > start;
  };
  if (!skip_word()) {
    return false;
  }
  while (at < part.size()) {
    const size_t start = at;
    const char separator = part[at];
    while (at < part.size() && part[at] == separator) {
      ++at;
    }
    const size_t count = at - start;
    const bool fits =
        (separator == '.' && count == 1) || (separator == '_' && count <= 2) || separator == '-';
    if (!fits || !skip_word()) {
      return false;
    }
  }
  return true;
}

bool is_host(std::string_view host) {
  if (host.starts_with('[')) {
    return host.size() > 3 && host.ends_with(']') &&
           std::all_of(host.begin() + 1, host.end() - 1, [](char c) {
             return std::isxdigit(static_cast<unsigned char>(c)) != 0 || c == ':';
           });
  }
  size_t start = 0;
  while (start <= host.size()) {
    const size_t end = std::min(host.find('.', start), host.size());
    const std::string_view label = host.substr(start, end - start);
    if (label.empty() || label.front() == '-' || label.back() == '-' ||
        !std::all_of(label.begin(), label.end(), [](char c) { return is_alnum(c) || c == '-'; })) {
      return false;
    }
    start = end + 1;
  }
  return !host.empty();
}

Status check_registry(std::string_view registry) {
  const size_t bracket = registry.rfind(']');
  const size_t colon = registry.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (!is_host(registry.substr(0, colon))) {
    return invalid("registry " + quoted(registry) + " is not a host name or address");
  }
  if (colon == std::string_view::npos) {
    return {};
  }
  const std::string_view port = registry.substr(colon + 1);
  const bool digits =
      !port.empty() && port.size() <= 5 && std::all_of(port.begin(), port.end(), is_digit);
  if (!digits || std::stoi(std::string(port)) < 1 || std::stoi(std::string(port)) > 65535) {
    return invalid("registry " + quoted(registry) + ": the port is not a number from 1 to 65535");
  }
  return {};
}

Status check_repository(std::string_view repository) {
  size_t start = 0;
  while (start <= repository.size()) {
    const size_t end = std::min(repository.find('/', start), repository.size());
    const std::string_view part = repository.substr(start, end - start);
    if (!is_path_component(part)) {
      return invalid("repository " + quoted(repository) + ": " + quoted(part) +
                     " may hold lower-case letters and digits, separated by one of . _ __ -");
    }
    start = end + 1;
  }
  return {};
}

Status check_tag(std::string_view tag) {
  const bool fits = !tag.empty() && tag.size() <= kTagLimitBytes && tag[0] != '.' &&
                    tag[0] != '-' && std::all_of(tag.begin(), tag.end(), [](char c) {
                      return is_alnum(c) || c == '_' || c == '.' || c == '-';
                    });
  if (!fits) {
    return invalid("tag " + quoted(tag) +
                   " may hold 1 to 128 letters, digits, _ . - and not begin with . or -");
  }
  return {};
}

// Docker's rule for what the first part of a name is: a registry has a dot, a colon or an
// upper-case letter in it, or is localhost.
bool looks_like_registry(std::string_view first) {
  return first == "localhost" || first.find_first_of(".:[") != std::string_view::npos ||
         std::any_of(first.begin(), first.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool is_bare_hex_id(std::string_view text) {
  return text.size() == 64 && is_digest("sha256:" + std::string(text));
}

// Splits the name without tag and digest into registry and repository.
void split_name(std::string_view name, Reference& reference) {
  const size_t slash = name.find('/');
  if (slash != std::string_view::npos && looks_like_registry(name.substr(0, slash))) {
    reference.registry = name.substr(0, slash);
    reference.repository = name.substr(slash + 1);
  } else {
    reference.registry = kDockerHub;
    reference.repository = name;
  }
  // Host names know no case. A name that is a registry by its upper-case letters alone keeps them:
  // in lower case it would be read as a part of Docker Hub.
  if (const std::string lower = lower_case(reference.registry); looks_like_registry(lower)) {
    reference.registry = lower;
  }
  if (reference.registry == "index.docker.io" || reference.registry == "registry-1.docker.io") {
    reference.registry = kDockerHub;
  }
  if (reference.registry == kDockerHub && reference.repository.find('/') == std::string::npos) {
    reference.repository = "library/" + reference.repository;
  }
}

Result<Reference> parse(std::string_view text) {
  Reference reference;
  if (const size_t at = text.find('@'); at != std::string_view::npos) {
    reference.digest = text.substr(at + 1);
    text = text.substr(0, at);
    if (!is_digest(reference.digest)) {
      return invalid("digest " + quoted(reference.digest) +
                     " is not sha256: and 64 lower-case hexadecimal digits");
    }
  }
  const size_t slash = text.rfind('/');
  const size_t colon = text.find(':', slash == std::string_view::npos ? 0 : slash);
  if (colon != std::string_view::npos) {
    reference.tag = text.substr(colon + 1);
    text = text.substr(0, colon);
    DUET_TRY(check_tag(reference.tag));
  } else if (reference.digest.empty()) {
    reference.tag = "latest";
  }
  if (text.empty()) {
    return invalid("the repository is missing");
  }
  if (is_bare_hex_id(text)) {
    return invalid("64 hexadecimal digits are an ID, not a name");
  }
  split_name(text, reference);
  DUET_TRY(check_registry(reference.registry));
  DUET_TRY(check_repository(reference.repository));
  if (reference.registry.size() + 1 + reference.repository.size() > kNameLimitBytes) {
    return invalid("registry and repository are longer than " + std::to_string(kNameLimitBytes) +
                   " characters");
  }
  return reference;
}

}  // namespace

std::string Reference::name() const {
  std::string whole = registry + "/" + repository;
  if (!tag.empty()) {
    whole += ":" + tag;
  }
  if (!digest.empty()) {
    whole += "@" + digest;
  }
  return whole;
}

std::string Reference::endpoint() const {
  return registry == kDockerHub ? "registry-1.docker.io" : registry;
}

Result<Reference> parse_reference(std::string_view text) {
  if (text.size() > kReferenceLimitBytes) {
    return invalid("image name: longer than " + std::to_string(kReferenceLimitBytes) +
                   " characters");
  }
  if (text.empty()) {
    return invalid("image name: empty");
  }
  auto reference = parse(text);
  if (!reference.ok()) {
    return reference.error().wrap("image name " + quoted(text));
  }
  return reference;
}

Result<std::string> normalize_reference(std::string_view text) {
  DUET_ASSIGN(const Reference reference, parse_reference(text));
  return reference.name();
}

bool is_loopback_registry(std::string_view registry) {
  if (registry == "[::1]" || registry.starts_with("[::1]:")) {
    return true;
  }
  const std::string_view host = registry.substr(0, registry.find(':'));
  if (host == "localhost") {
    return true;
  }
  // 127.a.b.c with digits only: "127.example.com" is a name like any other.
  return host.starts_with("127.") && std::count(host.begin(), host.end(), '.') == 3 &&
         std::all_of(host.begin(), host.end(), [](char c) { return is_digit(c) || c == '.'; });
}

}  // namespace duet::oci
