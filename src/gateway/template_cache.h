#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "engine/handler.h"
#include "gateway/config.h"
#include "gateway/sandbox_engine.h"
#include "sys/fd.h"

namespace duet::gateway {

// Compiled handlers by digest, and the templates made from them, one for each combination of code,
// environment and arguments, shared by all handlers that have the same. Those of the same code
// share what was mapped and linked, and their sandboxes one another's warm memory. Not
// thread-safe; outlives its templates.
class TemplateCache {
 public:
  explicit TemplateCache(SandboxEngine& engine) : engine_(engine) {}

  // Keeps the file for templates to come; replaces one of the same digest.
  void add_code(const std::string& digest, sys::Fd file) { files_[digest] = std::move(file); }
  bool has_code(const std::string& digest) const { return files_.contains(digest); }
  // Forgets the files whose digests are not in `digests`. Templates live on while they are used.
  void keep_only(const std::vector<std::string>& digests);
  std::vector<std::string> codes() const;

  // The template for a handler, loaded if need be. kNotFound: its code was not sent.
  Result<std::shared_ptr<engine::Handler>> get(const HandlerBackend& config);

 private:
  Result<engine::Handler> make(const HandlerBackend& config);
  // A template of that code that is in use; null: there is none.
  std::shared_ptr<engine::Handler> any_of(const std::string& code) const;

  SandboxEngine& engine_;
  std::unordered_map<std::string, sys::Fd> files_;
  // By code and configuration.
  std::map<std::string, std::map<std::string, std::weak_ptr<engine::Handler>>> templates_;
};

}  // namespace duet::gateway
