#include "gateway/template_cache.h"

#include <algorithm>

namespace duet::gateway {
namespace {

// What two handlers of the same code must have in common to share a template. Parts are told apart
// by their sizes.
std::string configuration_key(const HandlerBackend& config) {
  std::string key;
  const auto add = [&key](const std::string& part) {
    key.append(std::to_string(part.size())).append(":").append(part);
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
  for (auto& [code, made] : templates_) {
    std::erase_if(made, [](const auto& entry) { return entry.second.expired(); });
  }
  std::erase_if(templates_, [](const auto& entry) { return entry.second.empty(); });
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

std::shared_ptr<engine::Handler> TemplateCache::any_of(const std::string& code) const {
  const auto made = templates_.find(code);
  if (made != templates_.end()) {
    for (const auto& [configuration, handler] : made->second) {
      if (std::shared_ptr<engine::Handler> used = handler.lock()) {
        return used;
      }
    }
  }
  return nullptr;
}

Result<engine::Handler> TemplateCache::make(const HandlerBackend& config) {
  const engine::HandlerConfig own{.environment = config.env, .arguments = config.args};
  if (const std::shared_ptr<engine::Handler> other = any_of(config.code)) {
    return other->share(own);
  }
  const auto file = files_.find(config.code);
  if (file == files_.end()) {
    return not_found("the code " + config.code + " was not sent to this worker");
  }
  auto loaded = engine::Handler::load(engine_.engine(), file->second.get(), own);
  if (!loaded.ok()) {
    return loaded.error().wrap("code " + config.code);
  }
  return loaded;
}

Result<std::shared_ptr<engine::Handler>> TemplateCache::get(const HandlerBackend& config) {
  const std::string configuration = configuration_key(config);
  const auto made = templates_.find(config.code);
  if (made != templates_.end()) {
    const auto known = made->second.find(configuration);
    if (known != made->second.end()) {
      if (std::shared_ptr<engine::Handler> shared = known->second.lock()) {
        return shared;
      }
    }
  }
  DUET_ASSIGN(engine::Handler handler, make(config));
  auto shared = std::make_shared<engine::Handler>(std::move(handler));
  templates_[config.code][configuration] = shared;
  return shared;
}

}  // namespace duet::gateway
