#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "gateway/control.h"
#include "gateway/kept_packets.h"
#include "gateway/worker_status.h"
#include "net/event_loop.h"
#include "sys/process.h"

namespace duet::gateway {

struct SupervisorOptions {
  int workers = 1;
  sys::Command worker;       // what a worker is; descriptors are added
  std::vector<int> folders;  // that workers get; stay the caller's
};

// The parent of a gateway's workers, one for each core. It takes no connection and reads no
// request: it hands on what agents send, keeps a copy, and puts a new worker in the place of one
// that died, with the same sockets, code and table. So a death costs the requests of that worker
// and nothing else: connections that wait at its sockets are taken by the next one. Agents may be
// gone meanwhile. Not thread-safe.
class Supervisor final : public PacketHandler {
 public:
  Supervisor(net::EventLoop& loop, SupervisorOptions options);
  ~Supervisor();

  // Starts the workers. An error: the first one did not come up.
  Status start();
  // As for one worker (control.h). A table is in use when every living worker uses it.
  std::string answer(Packet packet) override;
  // Has all workers drain, and stops the loop when the last one has ended.
  void drain(std::int64_t timeout_ms);

 private:
  class Place;
  Result<WorkerStatus> status();
  Result<std::string> metrics();
  Status obey(Packet packet);
  Status tell_one(const std::string& type, const std::string& name, int worker, int fd);
  Status set_table(sys::Fd fd);
  Status tell_all(std::string_view text, int fd);
  void stop_if_all_ended();

  net::EventLoop& loop_;
  SupervisorOptions options_;
  KeptPackets kept_;
  std::vector<std::unique_ptr<Place>> places_;
  std::uint64_t restarts_ = 0;
  bool draining_ = false;
};

}  // namespace duet::gateway
