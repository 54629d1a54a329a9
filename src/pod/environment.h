#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "object/kinds.h"
#include "object/pod.h"

namespace duet::pod {

using Environment = std::vector<std::pair<std::string, std::string>>;

// Where the values of a container's environment come from. Missing objects are kNotFound.
struct ValueSource {
  std::function<Result<object::ConfigMap>(const std::string& name)> config_map;
  std::function<Result<object::Secret>(const std::string& name)> secret;
};

// The environment of `container` in `pod`, in order, later names replacing earlier ones: envFrom,
// then env, with $(NAME) references expanded as the kubelet does (an unknown one stays as it is, $$
// is a dollar sign). `services` are there to refer to from the start, and stand at the end where
// the container has no variable of that name. The error names the missing ConfigMap, Secret or key;
// a user knows it as CreateContainerConfigError. Pure but for `values`.
Result<Environment> resolve_environment(const object::Pod& pod, const object::Container& container,
                                        const ValueSource& values,
                                        const Environment& services = {});

// What a file of the downward API says: the field of `pod` at `path`, where metadata.labels and
// metadata.annotations are a line KEY="VALUE" for each. kInvalid: no such field.
Result<std::string> field_text(const object::Pod& pod, const std::string& path);

// `text` with $(NAME) references to `environment` expanded; for command and args.
std::string expand_references(const std::string& text, const Environment& environment);

}  // namespace duet::pod
