#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/simulation_client_test.h"

namespace duet::gateway::simulation {

// Speaks HTTP/2, by nghttp2: all requests at the same time. It does not end before the gateway
// does: what kEnds and kBreaksOff mean is for HTTP/1.1, here they are as polite as others.
class Http2SimClient final : public SimClient {
 public:
  Http2SimClient(World& world, sys::Fd fd, std::vector<Plan> plans, Manners manners);
  bool has_answer(std::size_t place) const override { return streams_[place].whole; }

 private:
  struct Stream {
    Plan plan;
    std::string request;  // what is left of the body
    int status = 0;
    std::string id;  // X-Id of the answer
    std::string got;
    bool closed = false;
    bool whole = false;
  };
  friend struct Http2SimCallbacks;

  void act(bool lazy) override;
  void make_session();
  void submit(Stream& stream);
  void say();
  void close_stream(Stream& stream, std::uint32_t error);
  void check_end();
  bool all_closed() const;

  struct FreeSession {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };
  std::vector<Stream> streams_;                 // one for each plan
  std::map<std::int32_t, std::size_t> places_;  // in streams_, by the stream's id
  std::unique_ptr<nghttp2_session, FreeSession> session_;
};

}  // namespace duet::gateway::simulation
