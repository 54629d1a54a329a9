#include "gateway/template_cache.h"

#include <algorithm>

namespace duet::gateway {
namespace {

// What two handlers must have in common to share a template. Parts are told apart by their sizes.
std::string template_key(const HandlerBackend& config) {
  std::string key = config.code;
  const auto add = [&key](const std::string& part) {
    key.append(1, '\0').append(std::to_string(part.size())).append(":").append(part);
  };
  for (const auto& [name, value] : config.env) {
    add(name);
    add(value);
  }
  add("");
  for (const std::string& argument : config.args) {
    add(argument);
  }
  return key;
}

}  // namespace

void TemplateCache::keep_only(const std::vector<std::string>& digests) {
  std::erase_if(files_, [&digests](const auto& entry) {
    return std::find(digests.begin(), digests.end(), entry.first) == digests.end();
  });
  std::erase_if(templates_, [](const auto& entry) { return entry.second.expired(); });
}

std::vector<std::string> TemplateCache::codes() const {
  std::vector<std::string> digests;
  digests.reserve(files_.size());
  for (const auto& [digest, file] : files_) {
    digests.push_back(digest);
  }
  std::sort(digests.begin(), digests.end());
  return digests;
}

Result<std::shared_ptr<engine::Handler>> TemplateCache::get(const HandlerBackend& config) {
  std::weak_ptr<engine::Handler>& known = templates_[template_key(config)];
  if (std::shared_ptr<engine::Handler> shared = known.lock()) {
    return shared;
  }
  const auto file = files_.find(config.code);
  if (file == files_.end()) {
    return not_found("the code " + config.code + " was not sent to this worker");
  }
  auto loaded = engine::Handler::load(engine_.engine(), file->second.get(),
                                      {.environment = config.env, .arguments = config.args});
  if (!loaded.ok()) {
    return loaded.error().wrap("code " + config.code);
  }
  auto shared = std::make_shared<engine::Handler>(std::move(*loaded));
  known = shared;
  return shared;
}

}  // namespace duet::gateway
