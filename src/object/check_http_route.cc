#include <re2/re2.h>

#include <array>
#include <map>

#include "object/check_kinds.h"
#include "object/format.h"

namespace duet::object {
namespace {

constexpr size_t kPathLimit = 1024;
constexpr int64_t kRegexMemoryBytes = 1 << 20;

struct FilterType {
  const char* type;
  const char* member;
};
constexpr std::array kFilterTypes = {
    FilterType{"RequestHeaderModifier", "requestHeaderModifier"},
    FilterType{"ResponseHeaderModifier", "responseHeaderModifier"},
    FilterType{"RequestMirror", "requestMirror"},
    FilterType{"RequestRedirect", "requestRedirect"},
    FilterType{"URLRewrite", "urlRewrite"},
    FilterType{"CORS", "cors"},
    FilterType{"ExternalAuth", "externalAuth"},
    FilterType{"ExtensionRef", "extensionRef"},
};

void check_regex(const Place& value) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kRegexMemoryBytes);
  const RE2 pattern(value.text(), options);
  if (!pattern.ok()) {
    value.error("is no regular expression (RE2 syntax): " + pattern.error());
  }
}

void check_path(const Place& path) {
  const Place value = path["value"];
  const std::string text = value.text("/");
  if (text.size() > kPathLimit) {
    value.error("has " + std::to_string(text.size()) + " characters; at most " +
                std::to_string(kPathLimit) + " are possible");
    return;
  }
  if (path["type"].text() == "RegularExpression") {
    return check_regex(value);
  }
  if (text.empty() || text[0] != '/') {
    value.error(quote(text) + " must be an absolute path");
    return;
  }
  for (const char* bad : {"//", "/./", "/../", "%2f", "%2F", "#"}) {
    if (text.find(bad) != std::string::npos) {
      value.error(quote(text) + " must not contain " + quote(bad));
    }
  }
  for (const std::string_view end : {"/..", "/."}) {
    if (text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0) {
      value.error(quote(text) + " must not end with " + quote(end));
    }
  }
}

void check_match(const Place& match) {
  check_path(match["path"]);
  check_unique(match["headers"], "name", "the header");
  check_unique(match["queryParams"], "name", "the query parameter");
  for (const char* list : {"headers", "queryParams"}) {
    match[list].each([](const Place& item) {
      if (item["type"].text() == "RegularExpression") {
        check_regex(item["value"]);
      }
    });
  }
}

void check_path_modifier(const Place& path) {
  if (!path.present()) {
    return;
  }
  const bool prefix = path["type"].text() == "ReplacePrefixMatch";
  const Place needed = path[prefix ? "replacePrefixMatch" : "replaceFullPath"];
  const Place other = path[prefix ? "replaceFullPath" : "replacePrefixMatch"];
  if (!needed.present()) {
    needed.error("is required for the type " + quote(path["type"].text()));
  }
  if (other.present()) {
    other.error("is not possible for the type " + quote(path["type"].text()));
  }
  if (needed.text().size() > kPathLimit) {
    needed.error("at most " + std::to_string(kPathLimit) + " characters are possible");
  }
}

void check_filter(const Place& filter) {
  const std::string type = filter["type"].text();
  for (const FilterType& known : kFilterTypes) {
    const Place member = filter[known.member];
    if (type == known.type && !member.present()) {
      member.error("is required for the filter type " + quote(type));
    }
    if (type != known.type && member.present() && !type.empty()) {
      member.error("does not belong to the filter type " + quote(type));
    }
  }
  for (const char* member : {"requestHeaderModifier", "responseHeaderModifier"}) {
    check_unique(filter[member]["set"], "name", "the header");
    check_unique(filter[member]["add"], "name", "the header");
  }
  check_path_modifier(filter["requestRedirect"]["path"]);
  check_path_modifier(filter["urlRewrite"]["path"]);
}

// How often each type of filter is there; the filters are checked on the way.
std::map<std::string, int> check_filters(const Place& filters) {
  std::map<std::string, int> counts;
  filters.each([&](const Place& filter) {
    check_filter(filter);
    const std::string type = filter["type"].text();
    if (++counts[type] == 2 && type != "ExtensionRef" && type != "RequestMirror") {
      filter["type"].error("the filter " + quote(type) + " is there twice");
    }
  });
  return counts;
}

bool replaces_prefix(const Place& filter) {
  return filter["requestRedirect"]["path"]["type"].text() == "ReplacePrefixMatch" ||
         filter["urlRewrite"]["path"]["type"].text() == "ReplacePrefixMatch";
}

// A prefix can only be replaced where exactly one prefix matched.
void check_replaced_prefix(const Place& rule, const Place& filters) {
  const Place matches = rule["matches"];
  bool prefix =
      matches.size() == 0 || (matches.size() == 1 && matches.node()->items.size() == 1 &&
                              matches.item(0)["path"]["type"].text("PathPrefix") == "PathPrefix");
  filters.each([&](const Place& filter) {
    if (!prefix && replaces_prefix(filter)) {
      filter.error("ReplacePrefixMatch needs exactly one match, with the path type \"PathPrefix\"");
    }
  });
}

void check_timeouts(const Place& timeouts) {
  const auto whole = duration_ms(timeouts["request"].text());
  const auto backend = duration_ms(timeouts["backendRequest"].text());
  if (whole && backend && *whole != 0 && *backend > *whole) {
    timeouts["backendRequest"].error("must not be longer than the request timeout");
  }
}

void check_rule(const Place& rule) {
  rule["matches"].each(check_match);
  const Place filters = rule["filters"];
  auto counts = check_filters(filters);
  if (counts["RequestRedirect"] > 0 && counts["URLRewrite"] > 0) {
    filters.error("RequestRedirect and URLRewrite exclude each other");
  }
  if (counts["RequestRedirect"] > 0 && counts["ExtensionRef"] > 0) {
    filters.error("RequestRedirect answers by itself: the ExtensionRef would never be asked");
  }
  if (counts["RequestRedirect"] > 0 && rule["backendRefs"].size() > 0) {
    rule["backendRefs"].error("a rule that redirects has no backends");
  }
  check_replaced_prefix(rule, filters);
  rule["backendRefs"].each([&](const Place& backend) {
    check_filters(backend["filters"]);
    check_replaced_prefix(rule, backend["filters"]);
  });
  check_timeouts(rule["timeouts"]);
}

}  // namespace

void check_http_route(const Place& object) { object["spec"]["rules"].each(check_rule); }

}  // namespace duet::object
