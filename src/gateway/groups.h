#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config.h"
#include "gateway/exchange.h"
#include "gateway/front.h"
#include "gateway/group_link.h"
#include "sys/fd.h"

namespace duet::gateway {

// Another group's gateway: how it is reached, and what it may ask. Not thread-safe.
class GroupPeer {
 public:
  GroupPeer(Groups& groups, std::string name) : groups_(groups), name_(std::move(name)) {}
  ~GroupPeer();
  GroupPeer(const GroupPeer&) = delete;
  GroupPeer& operator=(const GroupPeer&) = delete;

  // The connection to it, which is made if need be; null: nobody answers.
  std::shared_ptr<GroupLink> link();
  // The socket file at which it takes connections, O_PATH. Another one than before is another
  // gateway: what is asked from now on goes there.
  void set_way(sys::Fd way);
  // A connection that it has made itself.
  void set_link(std::weak_ptr<GroupLink> link) { link_ = std::move(link); }
  // What it may ask from now on, and for a while what it was told that it may ask before.
  void set_may_ask(const std::vector<std::string>& backends, std::int64_t now_ns);
  bool may_ask(std::string_view backend, std::int64_t now_ns) const;

 private:
  Groups& groups_;
  std::string name_;
  sys::Fd way_;
  std::weak_ptr<GroupLink> link_;
  std::map<std::string, std::int64_t, std::less<>> may_ask_;  // and until when
};

// The other worker groups, as one worker knows them, and the connections to them. The shared group,
// which has the clients, has the empty name; it connects to the others, which connect to nobody.
// Not thread-safe.
class Groups {
 public:
  static constexpr std::size_t kLinkLimit = 64;  // that the shared group has made, in one worker
  static constexpr std::size_t kRetiredLimit = 1'000;
  static constexpr std::int64_t kRetiredNs = 60'000'000'000;
  static constexpr std::int64_t kNoteNs = 1'000'000'000;
  static constexpr std::size_t kConstantLimit = 64;
  static constexpr std::size_t kConstantBytes = 32;

  explicit Groups(Front& front) : front_(front) {}
  ~Groups() { close(); }
  // Ends all connections.
  void close();

  // It is there from now on, whether it can be reached or not.
  std::shared_ptr<GroupPeer> peer(const std::string& name);
  // A connection that the shared group's gateway made.
  void accept(sys::Fd fd);
  // Connects to `way`, as `name`; null: nobody answers.
  std::shared_ptr<GroupLink> connect(const std::string& name, const sys::Fd& way);
  // The groups of the table in use.
  void take(const std::vector<WorkerGroup>& groups);
  // A backend that the new table does not name may be asked for by requests that began with the
  // old one: kept for kRetiredNs.
  void keep(const std::string& name, std::shared_ptr<Backend> backend);
  // What `group` asks for; null: it is not there, or not for it.
  std::shared_ptr<Backend> find_backend(const std::string& group, std::string_view name);
  // `text`, one word that another gateway said, as a constant; "Other": it is none, or there are
  // too many.
  std::string_view constant(std::string_view text);
  // Says on standard error why a connection to `group` ended, unless `why` is empty; at most once
  // in kNoteNs, however often a group breaks the rules.
  void note(const std::string& group, std::string_view why);
  void forget(GroupLink& link);
  // Whether another gateway may ask.
  bool has_askers() const { return !accepted_.empty(); }
  std::vector<std::string> names() const;
  // Calls that `group` asked for and that are not over.
  std::int64_t asked_of(std::string_view group) const;

 private:
  std::shared_ptr<GroupLink> add(const std::string& group, sys::Fd fd);
  void drop_retired();

  struct Retired {
    std::shared_ptr<Backend> backend;
    std::int64_t until_ns = 0;
  };
  Front& front_;
  std::map<std::string, std::shared_ptr<GroupPeer>> peers_;
  std::list<std::shared_ptr<GroupLink>> links_;
  std::set<const GroupLink*> accepted_;
  std::map<std::string, Retired, std::less<>> retired_;
  std::set<std::string, std::less<>> constants_;
  std::int64_t next_note_ns_ = 0;
  net::MemberTimer<Groups, &Groups::drop_retired> timer_{*this};
};

}  // namespace duet::gateway
