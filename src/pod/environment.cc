#include "pod/environment.h"

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <optional>

namespace duet::pod {

namespace {

const std::string* find(const Environment& environment, std::string_view name) {
  const auto entry = std::find_if(environment.begin(), environment.end(),
                                  [&](const auto& one) { return one.first == name; });
  return entry == environment.end() ? nullptr : &entry->second;
}

void set(Environment& environment, const std::string& name, std::string value) {
  const auto same = std::find_if(environment.begin(), environment.end(),
                                 [&](const auto& entry) { return entry.first == name; });
  if (same != environment.end()) {
    same->second = std::move(value);
  } else {
    environment.emplace_back(name, std::move(value));
  }
}

// `text` with references expanded to what the first of `environments` says that knows the name.
std::string expand(const std::string& text,
                   std::initializer_list<const Environment*> environments) {
  const auto value_of = [&](std::string_view name) {
    const std::string* value = nullptr;
    for (const Environment* one : environments) {
      value = value == nullptr ? find(*one, name) : value;
    }
    return value;
  };
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (text.compare(at, 2, "$$") == 0) {
      out += '$';
      at += 2;
      continue;
    }
    const size_t end = text.compare(at, 2, "$(") == 0 ? text.find(')', at) : std::string::npos;
    const std::string* value = end == std::string::npos
                                   ? nullptr
                                   : value_of(std::string_view(text).substr(at + 2, end - at - 2));
    if (value != nullptr) {
      out += *value;
      at = end + 1;
    } else {
      out += text[at++];
    }
  }
  return out;
}

// The value of "labels['x']" or "annotations['x']", given what stands before the bracket.
std::optional<std::string> subscript(const std::string& path, const std::string& prefix,
                                     const object::StringMap& map) {
  const std::string head = prefix + "['";
  if (!path.starts_with(head) || !path.ends_with("']")) {
    return std::nullopt;
  }
  const auto entry = map.find(path.substr(head.size(), path.size() - head.size() - 2));
  return entry == map.end() ? std::string() : entry->second;
}

Result<std::string> field_value(const object::Pod& pod, const std::string& path) {
  const object::StringMap plain = {
      {"metadata.name", pod.meta.name},
      {"metadata.namespace", pod.meta.ns},
      {"metadata.uid", pod.meta.uid},
      {"spec.nodeName", pod.spec.node_name},
      {"status.podIP", pod.status.pod_ip},
      {"status.podIPs", pod.status.pod_ip},
      {"status.hostIP", pod.status.host_ip},
      {"status.hostIPs", pod.status.host_ip},
      {"spec.serviceAccountName", pod.spec.service_account_name},
  };
  if (const auto entry = plain.find(path); entry != plain.end()) {
    return entry->second;
  }
  if (auto label = subscript(path, "metadata.labels", pod.meta.labels)) {
    return *label;
  }
  if (auto annotation = subscript(path, "metadata.annotations", pod.meta.annotations)) {
    return *annotation;
  }
  return invalid("fieldRef " + path + ": no such field of a pod");
}

// The entry `ref.key` of the object's data; nothing when it is optional and missing.
template <typename Object>
Result<std::optional<std::string>> key_value(const Result<Object>& object, const char* kind,
                                             const object::KeyReference& ref) {
  if (!object.ok()) {
    if (ref.optional && object.error().code() == ErrorCode::kNotFound) {
      return std::optional<std::string>();
    }
    return object.error().wrap(std::string(kind) + " \"" + ref.name + "\"");
  }
  const auto entry = object->data.find(ref.key);
  if (entry != object->data.end()) {
    return std::optional(entry->second);
  }
  if (ref.optional) {
    return std::optional<std::string>();
  }
  return not_found("couldn't find key " + ref.key + " in " + kind + " \"" + ref.name + "\"");
}

Result<std::optional<std::string>> variable_value(const object::Pod& pod,
                                                  const object::EnvVar& variable,
                                                  const ValueSource& values,
                                                  const Environment& so_far,
                                                  const Environment& services) {
  if (variable.config_map_key) {
    return key_value(values.config_map(variable.config_map_key->name), "configmap",
                     *variable.config_map_key);
  }
  if (variable.secret_key) {
    return key_value(values.secret(variable.secret_key->name), "secret", *variable.secret_key);
  }
  if (!variable.field_path.empty()) {
    DUET_ASSIGN(auto value, field_value(pod, variable.field_path));
    return std::optional(std::move(value));
  }
  return std::optional(expand(variable.value, {&so_far, &services}));
}

template <typename Object>
Status add_all(Environment& environment, const Result<Object>& object, const char* kind,
               const std::string& name, const object::EnvFrom& from) {
  if (!object.ok()) {
    if (from.optional && object.error().code() == ErrorCode::kNotFound) {
      return {};
    }
    return object.error().wrap(std::string(kind) + " \"" + name + "\"");
  }
  for (const auto& [key, value] : object->data) {
    set(environment, from.prefix + key, value);
  }
  return {};
}

// Quoted as Go does it, which is how the kubelet writes these files.
std::string quoted_lines(const object::StringMap& map) {
  std::string out;
  for (const auto& [key, value] : map) {
    out += (out.empty() ? "" : "\n") + key + "=\"";
    for (const char c : value) {
      if (c == '"' || c == '\\') {
        out += '\\';
      }
      if (c == '\n') {
        out += "\\n";
      } else {
        out += c;
      }
    }
    out += '"';
  }
  return out;
}

}  // namespace

Result<std::string> field_text(const object::Pod& pod, const std::string& path) {
  if (path == "metadata.labels") {
    return quoted_lines(pod.meta.labels);
  }
  if (path == "metadata.annotations") {
    return quoted_lines(pod.meta.annotations);
  }
  return field_value(pod, path);
}

std::string expand_references(const std::string& text, const Environment& environment) {
  return expand(text, {&environment});
}

Result<Environment> resolve_environment(const object::Pod& pod, const object::Container& container,
                                        const ValueSource& values, const Environment& services) {
  Environment environment;
  for (const auto& from : container.env_from) {
    if (!from.config_map.empty()) {
      DUET_TRY(add_all(environment, values.config_map(from.config_map), "configmap",
                       from.config_map, from));
    } else {
      DUET_TRY(add_all(environment, values.secret(from.secret), "secret", from.secret, from));
    }
  }
  for (const auto& variable : container.env) {
    auto value = variable_value(pod, variable, values, environment, services);
    if (!value.ok()) {
      return value.error().wrap("env " + variable.name);
    }
    if (*value) {
      set(environment, variable.name, **value);
    }
  }
  Environment more;
  std::copy_if(services.begin(), services.end(), std::back_inserter(more),
               [&](const auto& one) { return find(environment, one.first) == nullptr; });
  std::move(more.begin(), more.end(), std::back_inserter(environment));
  return environment;
}

}  // namespace duet::pod
