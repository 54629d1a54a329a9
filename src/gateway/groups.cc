#include "gateway/groups.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>

#include "net/socket.h"

namespace duet::gateway {
namespace {

bool is_same_file(const sys::Fd& a, const sys::Fd& b) {
  struct stat one{};
  struct stat other{};
  return a.valid() && b.valid() && fstat(a.get(), &one) == 0 && fstat(b.get(), &other) == 0 &&
         one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
}

}  // namespace

GroupPeer::~GroupPeer() {
  if (const auto link = link_.lock()) {
    link->retire();
  }
}

std::shared_ptr<GroupLink> GroupPeer::link() {
  auto link = link_.lock();
  if (!link || link->closed()) {
    link = way_.valid() ? groups_.connect(name_, way_) : nullptr;
    link_ = link;
  }
  return link;
}

void GroupPeer::set_way(sys::Fd way) {
  if (is_same_file(way, way_)) {
    return;
  }
  if (const auto link = link_.lock()) {
    link->retire();
  }
  link_.reset();
  way_ = std::move(way);
}

void GroupPeer::set_may_ask(const std::vector<std::string>& backends, std::int64_t now_ns) {
  std::erase_if(may_ask_, [now_ns](const auto& entry) { return entry.second < now_ns; });
  for (auto& [name, until_ns] : may_ask_) {
    until_ns = std::min(until_ns, now_ns + Groups::kRetiredNs);
  }
  for (const std::string& name : backends) {
    may_ask_[name] = INT64_MAX;
  }
}

bool GroupPeer::may_ask(std::string_view backend, std::int64_t now_ns) const {
  const auto found = may_ask_.find(backend);
  return found != may_ask_.end() && found->second >= now_ns;
}

void Groups::close() {
  peers_.clear();
  for (const auto& link : std::list(links_)) {
    link->close("");
  }
}

std::shared_ptr<GroupPeer> Groups::peer(const std::string& name) {
  std::shared_ptr<GroupPeer>& peer = peers_[name];
  if (!peer) {
    peer = std::make_shared<GroupPeer>(*this, name);
  }
  return peer;
}

std::shared_ptr<GroupLink> Groups::add(const std::string& group, sys::Fd fd) {
  auto link = std::make_shared<GroupLink>(front_, *this, group, std::move(fd));
  if (!link->open().ok()) {
    return nullptr;
  }
  links_.push_back(link);
  return link;
}

void Groups::accept(sys::Fd fd) {
  if (accepted_.size() >= kLinkLimit) {
    return;
  }
  if (const auto link = add("", std::move(fd))) {
    accepted_.insert(link.get());
    peer("")->set_link(link);
  }
}

std::shared_ptr<GroupLink> Groups::connect(const std::string& name, const sys::Fd& way) {
  // The file itself, wherever it stands: this process could not enter the folders above it.
  auto fd = net::start_connect_unix("/proc/self/fd/" + std::to_string(way.get()));
  return fd.ok() ? add(name, std::move(*fd)) : nullptr;
}

void Groups::take(const std::vector<WorkerGroup>& groups) {
  for (const WorkerGroup& group : groups) {
    peer(group.name)->set_may_ask(group.may_ask, front_.loop.now_ns());
  }
  std::erase_if(peers_, [&groups](const auto& entry) {
    return !entry.first.empty() &&
           std::none_of(groups.begin(), groups.end(),
                        [&entry](const WorkerGroup& group) { return group.name == entry.first; });
  });
}

void Groups::keep(const std::string& name, std::shared_ptr<Backend> backend) {
  if (retired_.size() < kRetiredLimit) {
    retired_[name] = {std::move(backend), front_.loop.now_ns() + kRetiredNs};
    front_.loop.set_timer(timer_, kRetiredNs);
  }
}

void Groups::drop_retired() {
  const std::int64_t now_ns = front_.loop.now_ns();
  std::erase_if(retired_, [now_ns](const auto& entry) { return entry.second.until_ns <= now_ns; });
  if (!retired_.empty()) {
    front_.loop.set_timer(timer_, kRetiredNs);
  }
}

std::shared_ptr<Backend> Groups::find_backend(const std::string& group, std::string_view name) {
  if (!group.empty()) {
    const auto asker = peers_.find(group);
    if (asker == peers_.end() || !asker->second->may_ask(name, front_.loop.now_ns())) {
      return nullptr;
    }
  }
  if (auto backend = front_.table ? front_.table->backend(std::string(name)) : nullptr) {
    return backend;
  }
  const auto retired = retired_.find(name);
  return retired == retired_.end() ? nullptr : retired->second.backend;
}

std::string_view Groups::constant(std::string_view text) {
  if (text.empty()) {
    return {};
  }
  auto known = constants_.find(text);
  if (known == constants_.end()) {
    if (constants_.size() >= kConstantLimit || text.size() > kConstantBytes || !is_word(text)) {
      return "Other";
    }
    known = constants_.emplace(text).first;
  }
  return *known;
}

void Groups::note(const std::string& group, std::string_view why) {
  const std::int64_t now_ns = front_.loop.now_ns();
  if (why.empty() || now_ns < next_note_ns_) {
    return;
  }
  next_note_ns_ = now_ns + kNoteNs;
  std::fprintf(stderr, "duet-gateway: worker group '%s': %.*s\n", group.c_str(),
               static_cast<int>(why.size()), why.data());
}

void Groups::forget(GroupLink& link) {
  accepted_.erase(&link);
  links_.remove_if([&link](const auto& one) { return one.get() == &link; });
}

std::vector<std::string> Groups::names() const {
  std::vector<std::string> names;
  names.reserve(peers_.size());
  for (const auto& [name, peer] : peers_) {
    names.push_back(name);
  }
  return names;
}

std::int64_t Groups::asked_of(std::string_view group) const {
  std::int64_t sum = 0;
  for (const auto& link : links_) {
    sum += link->group() == group ? static_cast<std::int64_t>(link->servings()) : 0;
  }
  return sum;
}

}  // namespace duet::gateway
