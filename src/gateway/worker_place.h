#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/supervisor.h"
#include "gateway/worker_process.h"

namespace duet::gateway {

// The place of one worker among its supervisor's: holds a living one, or waits to start the next.
class Supervisor::Place final : public net::IoHandler {
 public:
  Place(Supervisor& supervisor, int number) : supervisor_(supervisor), number_(number) {}
  ~Place();

  // Starts a worker and gives it what the others have.
  Status start();
  bool alive() const { return process_.has_value(); }
  int number() const { return number_; }
  // kUnavailable while no worker lives here.
  Result<std::string> call(std::string_view text, int fd);
  // Puts another worker here, because this one does not do what the others do.
  void replace(const Error& why);

  void on_io(std::uint32_t events) override;

 private:
  void start_later();
  void on_timer();
  void lose_process();

  Supervisor& supervisor_;
  int number_;
  std::optional<WorkerProcess> process_;
  std::int64_t started_ns_ = 0;
  std::int64_t delay_ns_ = 0;  // before the next start
  net::MemberTimer<Place, &Place::on_timer> timer_{*this};
};

}  // namespace duet::gateway
