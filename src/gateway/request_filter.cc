#include "gateway/request_filter.h"

#include <algorithm>

namespace duet::gateway {
namespace {

bool is_protected(net::FieldId id) {
  return net::is_hop_by_hop(id) || id == net::FieldId::kContentLength || id == net::FieldId::kHost;
}

void remove_field(std::string_view name, std::vector<net::Field>& fields) {
  std::erase_if(fields, [name](const net::Field& field) {
    return net::equals_ignoring_case(field.name, name);
  });
}

int default_port(std::string_view scheme) { return scheme == "https" ? 443 : 80; }

// The ":port" of an authority as a number; 0: none.
int authority_port(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos || authority.find(']', colon) != std::string_view::npos) {
    return 0;
  }
  int port = 0;
  for (const char c : authority.substr(colon + 1)) {
    port = port * 10 + (c - '0');  // at most five digits: the parser has seen to it
  }
  return port;
}

std::string_view without_slash_at_end(std::string_view text) {
  while (text.ends_with('/')) {
    text.remove_suffix(1);
  }
  return text;
}

}  // namespace

void modify_fields(const HeaderModifier& modifier, std::vector<net::Field>& fields) {
  for (const std::string& name : modifier.remove) {
    if (!is_protected(net::field_id(name))) {
      remove_field(name, fields);
    }
  }
  for (const Header& header : modifier.set) {
    const net::FieldId id = net::field_id(header.name);
    if (!is_protected(id)) {
      remove_field(header.name, fields);
      fields.push_back({header.name, header.value, id});
    }
  }
  for (const Header& header : modifier.add) {
    const net::FieldId id = net::field_id(header.name);
    if (!is_protected(id)) {
      fields.push_back({header.name, header.value, id});
    }
  }
}

void forwarded_fields(const net::RequestHead& request, std::vector<net::Field>& out) {
  out.clear();
  bool names_more = false;  // Connection names fields of its own
  for (const net::Field& field : request.fields) {
    switch (field.id) {
      case net::FieldId::kConnection:
        names_more |= !net::equals_ignoring_case(field.value, "keep-alive") &&
                      !net::equals_ignoring_case(field.value, "close") &&
                      !net::equals_ignoring_case(field.value, "upgrade");
        break;
      case net::FieldId::kContentLength:
      case net::FieldId::kHost:
      case net::FieldId::kExpect:
      case net::FieldId::kForwarded:
      case net::FieldId::kXForwardedFor:
      case net::FieldId::kXForwardedProto:
      case net::FieldId::kXForwardedHost:
        break;
      default:
        if (!net::is_hop_by_hop(field.id)) {
          out.push_back(field);
        }
    }
  }
  if (!names_more) {
    return;
  }
  for (const net::Field& field : request.fields) {
    if (field.id == net::FieldId::kConnection) {
      std::erase_if(out, [&field](const net::Field& other) {
        return net::list_has_token(field.value, other.name);
      });
    }
  }
}

std::string modify_path(const PathModifier& modifier, std::string_view path,
                        std::string_view prefix) {
  if (modifier.type == PathModifier::Type::kReplaceFullPath) {
    return modifier.value.starts_with('/') ? modifier.value : "/" + modifier.value;
  }
  std::string result(without_slash_at_end(modifier.value));
  result += path.substr(std::min(without_slash_at_end(prefix).size(), path.size()));
  return result.starts_with('/') ? result : "/" + result;
}

std::string redirect_location(const Redirect& redirect, std::string_view scheme,
                              const net::RequestHead& request, std::string_view prefix) {
  const std::string_view new_scheme = redirect.scheme.empty() ? scheme : redirect.scheme;
  int port = redirect.port;
  if (port == 0 && redirect.scheme.empty()) {
    port = authority_port(request.authority);
  }
  std::string host = redirect.hostname;
  if (host.empty()) {
    const std::string_view authority = request.authority;
    const std::size_t end =
        authority.starts_with('[') ? authority.find(']') + 1 : authority.find(':');
    host = authority.substr(0, end);
  }
  std::string location(new_scheme);
  location.append("://").append(host);
  if (port != 0 && port != default_port(new_scheme)) {
    location.append(":").append(std::to_string(port));
  }
  location +=
      redirect.path ? modify_path(*redirect.path, request.path, prefix) : std::string(request.path);
  location += request.query;
  return location;
}

}  // namespace duet::gateway
