#include "route/handler_limits.h"

#include <cctype>
#include <charconv>

#include "base/quantity.h"

namespace duet::route {

namespace {

constexpr int kPortLimit = 65'535;
constexpr std::int64_t kDurationLimitMs = std::int64_t{24} * 3600 * 1000;

std::string trim(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\n");
  return first == std::string::npos
             ? ""
             : text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

std::optional<gateway::OutboundRule> parse_outbound(const std::string& text) {
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string::npos) {
    return std::nullopt;
  }
  gateway::OutboundRule rule{.scheme = text.substr(0, scheme_end)};
  rule.host = text.substr(scheme_end + 3);
  if (const auto colon = rule.host.rfind(':'); colon != std::string::npos) {
    const std::string port = rule.host.substr(colon + 1);
    const auto parsed = std::from_chars(port.data(), port.data() + port.size(), rule.port);
    if (parsed.ec != std::errc() || parsed.ptr != port.data() + port.size() || rule.port < 1 ||
        rule.port > kPortLimit) {
      return std::nullopt;
    }
    rule.host.resize(colon);
  }
  const bool known = rule.scheme == "http" || rule.scheme == "https";
  const bool plain = rule.host.find_first_of("/ @?#") == std::string::npos;
  return known && plain && !rule.host.empty() ? std::optional(rule) : std::nullopt;
}

class Reader {
 public:
  Reader(const object::StringMap& annotations, HandlerPolicy& policy)
      : annotations_(annotations), policy_(policy) {}

  void duration(const char* name, std::int64_t& into) {
    read(name, "a duration such as 50ms or 10s", [&](const std::string& text) {
      const auto value = parse_duration_ms(text);
      into = value && *value > 0 ? *value : into;
      return value && *value > 0;
    });
  }
  template <typename Number>
  void number(const char* name, Number& into) {
    read(name, "a positive number", [&](const std::string& text) {
      Number value = 0;
      const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
      const bool good =
          parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && value > 0;
      into = good ? value : into;
      return good;
    });
  }
  void bytes(const char* name, std::int64_t& into) {
    read(name, "a quantity of bytes such as 16Mi", [&](const std::string& text) {
      const auto value = parse_quantity(text);
      into = value.ok() && *value > 0 ? *value : into;
      return value.ok() && *value > 0;
    });
  }
  void outbound(const char* name) {
    read(name, "a list of http://host[:port] and https://host[:port], split by commas",
         [&](const std::string& text) {
           std::vector<gateway::OutboundRule> rules;
           for (size_t at = 0; at <= text.size();) {
             const size_t comma = std::min(text.find(',', at), text.size());
             const std::string item = trim(text.substr(at, comma - at));
             at = comma + 1;
             if (item.empty()) {
               continue;
             }
             const auto rule = parse_outbound(item);
             if (!rule) {
               return false;
             }
             rules.push_back(*rule);
           }
           policy_.allow_outbound = std::move(rules);
           return true;
         });
  }

 private:
  template <typename Parse>
  void read(const char* name, const char* expected, Parse parse) {
    const auto found = annotations_.find(std::string("duet.edge/") + name);
    if (found != annotations_.end() && !parse(trim(found->second))) {
      policy_.problems.push_back("annotation duet.edge/" + std::string(name) + ": \"" +
                                 found->second + "\" is not " + expected + "; the default holds");
    }
  }

  const object::StringMap& annotations_;
  HandlerPolicy& policy_;
};

}  // namespace

std::optional<std::int64_t> parse_duration_ms(const std::string& text) {
  std::int64_t total = 0;
  const char* at = text.data();
  const char* end = at + text.size();
  if (at == end) {
    return std::nullopt;
  }
  while (at != end) {
    std::int64_t value = 0;
    const auto parsed = std::from_chars(at, end, value);
    if (parsed.ec != std::errc() || value < 0) {
      return std::nullopt;
    }
    const char* unit = parsed.ptr;
    at = unit;
    while (at != end && std::isalpha(static_cast<unsigned char>(*at)) != 0) {
      ++at;
    }
    const std::string_view name(unit, static_cast<size_t>(at - unit));
    const std::int64_t scale = name == "ms"  ? 1
                               : name == "s" ? 1'000
                               : name == "m" ? 60'000
                               : name == "h" ? 3'600'000
                                             : 0;
    if (scale == 0 || value > kDurationLimitMs / scale ||
        total + value * scale > kDurationLimitMs) {
      return std::nullopt;
    }
    total += value * scale;
  }
  return total;
}

HandlerPolicy handler_policy(const object::Resources& resources,
                             const object::StringMap& annotations) {
  HandlerPolicy policy;
  if (resources.memory_limit_bytes) {
    policy.limits.memory_bytes = *resources.memory_limit_bytes;
  }
  Reader reader(annotations, policy);
  reader.duration("cpu-time", policy.limits.cpu_ms);
  reader.duration("first-byte-timeout", policy.limits.first_byte_ms);
  reader.duration("timeout", policy.limits.wall_ms);
  reader.number("max-in-flight", policy.limits.in_flight);
  reader.number("max-outgoing", policy.limits.outgoing);
  reader.bytes("max-response-bytes", policy.limits.response_bytes);
  reader.outbound("allow-outbound");
  return policy;
}

}  // namespace duet::route
