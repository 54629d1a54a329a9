#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "gateway/worker_status.h"
#include "sys/fd.h"

namespace duet::gateway {

// What agents have sent and workers hold: a worker that takes the place of a dead one gets it
// again, whether an agent lives or not. Owns a copy of every descriptor.
class KeptPackets {
 public:
  void keep_listener(const std::string& name, int worker, sys::Fd fd);
  void keep_group(const std::string& name, int worker, sys::Fd fd);
  void keep_code(const std::string& digest, sys::Fd fd);
  void keep_folder(const std::string& name, sys::Fd fd) { folders_[name] = std::move(fd); }
  void keep_access_log(sys::Fd fd) { access_log_ = std::move(fd); }
  void keep_table(sys::Fd fd) { table_ = std::move(fd); }

  // Lets go what a worker let go when it took a new table; `held` is what it holds.
  void keep_only(const WorkerStatus& held);
  void clear();

  // Sends everything that the worker of that number needs, in the order of the protocol.
  using Send = std::function<Status(std::string_view text, int fd)>;
  Status replay(int worker, const Send& send) const;

  // Listeners that have a socket for each of `workers` workers.
  std::vector<std::string> listeners(int workers) const;
  std::vector<std::string> codes() const;

 private:
  std::map<std::pair<std::string, int>, sys::Fd> listeners_;
  std::map<std::pair<std::string, int>, sys::Fd> groups_;
  std::map<std::string, sys::Fd> codes_;
  std::map<std::string, sys::Fd> folders_;
  sys::Fd access_log_;
  sys::Fd table_;
};

}  // namespace duet::gateway
