#include "gateway/kept_packets.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace duet::gateway {
namespace {

using Json = nlohmann::json;

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

void KeptPackets::keep_listener(const std::string& name, int worker, sys::Fd fd) {
  listeners_[{name, worker}] = std::move(fd);
}

void KeptPackets::keep_group(const std::string& name, int worker, sys::Fd fd) {
  groups_[{name, worker}] = std::move(fd);
}

void KeptPackets::keep_code(const std::string& digest, sys::Fd fd) {
  codes_[digest] = std::move(fd);
}

void KeptPackets::keep_only(const WorkerStatus& held) {
  std::erase_if(listeners_,
                [&held](const auto& entry) { return !has(held.listeners, entry.first.first); });
  std::erase_if(groups_,
                [&held](const auto& entry) { return !has(held.groups, entry.first.first); });
  std::erase_if(folders_, [&held](const auto& entry) { return !has(held.folders, entry.first); });
  std::erase_if(codes_, [&held](const auto& entry) { return !has(held.codes, entry.first); });
}

void KeptPackets::clear() {
  listeners_.clear();
  groups_.clear();
  codes_.clear();
  folders_.clear();
  access_log_.reset();
  table_.reset();
}

Status KeptPackets::replay(int worker, const Send& send) const {
  if (access_log_.valid()) {
    DUET_TRY(send(R"({"type":"access_log"})", access_log_.get()));
  }
  for (const auto& [key, fd] : listeners_) {
    if (key.second == worker) {
      DUET_TRY(send(Json{{"type", "listener"}, {"name", key.first}}.dump(), fd.get()));
    }
  }
  for (const auto& [key, fd] : groups_) {
    if (key.second == worker) {
      DUET_TRY(send(Json{{"type", "group"}, {"name", key.first}}.dump(), fd.get()));
    }
  }
  for (const auto& [digest, fd] : codes_) {
    DUET_TRY(send(Json{{"type", "code"}, {"digest", digest}}.dump(), fd.get()));
  }
  for (const auto& [name, fd] : folders_) {
    DUET_TRY(send(Json{{"type", "folder"}, {"name", name}}.dump(), fd.get()));
  }
  return table_.valid() ? send(R"({"type":"table"})", table_.get()) : Status();
}

std::vector<std::string> KeptPackets::listeners(int workers) const {
  std::map<std::string, int> counts;
  for (const auto& [key, fd] : listeners_) {
    ++counts[key.first];
  }
  std::vector<std::string> names;
  for (const auto& [name, count] : counts) {
    if (count == workers) {
      names.push_back(name);
    }
  }
  return names;
}

std::vector<std::string> KeptPackets::codes() const {
  std::vector<std::string> digests;
  digests.reserve(codes_.size());
  for (const auto& [digest, fd] : codes_) {
    digests.push_back(digest);
  }
  return digests;
}

}  // namespace duet::gateway
