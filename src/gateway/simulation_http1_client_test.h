#pragma once

#include <string>
#include <vector>

#include "gateway/simulation_client_test.h"
#include "net/http_body.h"
#include "net/http_response_parser.h"

namespace duet::gateway::simulation {

// Speaks HTTP/1.1: requests one behind the other, not waiting for answers.
class Http1SimClient final : public SimClient {
 public:
  Http1SimClient(World& world, sys::Fd fd, std::vector<Plan> plans, Manners manners);
  bool has_answer(std::size_t place) const override { return place < answered_; }

 private:
  void act(bool lazy) override;
  void read();
  bool read_head();
  bool read_body();
  void check_answer();
  void check_end();

  bool end_said_ = false;
  std::size_t answered_ = 0;
  net::ResponseParser parser_{net::HttpLimits{}};
  net::ResponseHead head_;
  bool in_body_ = false;
  std::string id_;  // X-Id of the answer that is being read
  net::BodyDecoder body_;
  std::string got_;
};

}  // namespace duet::gateway::simulation
