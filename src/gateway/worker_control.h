#pragma once

#include "gateway/control.h"
#include "gateway/worker.h"

namespace duet::gateway {

// Has one worker do what control packets (control.h) ask for.
class WorkerControl final : public PacketHandler {
 public:
  explicit WorkerControl(Worker& worker) : worker_(worker) {}
  std::string answer(Packet packet) override;

 private:
  Status obey(Packet packet);
  Worker& worker_;
};

}  // namespace duet::gateway
