#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/exchange.h"
#include "net/http_message.h"

namespace duet::gateway {

class GroupLink;

// A call that another group's gateway asked for: passes what it sends to a backend of this gateway,
// and the answer back, each as far as there is credit. Belongs to its link.
class GroupServing final : public Caller {
 public:
  GroupServing(GroupLink& link, std::uint64_t id, net::Framing framing,
               std::uint64_t content_length);
  ~GroupServing();

  void begin(std::unique_ptr<Call> call);
  // What the other side sends. False: it broke the rules.
  bool take_body(std::string_view data);
  bool end_body(std::span<const net::Field> trailers);
  bool take_credit(std::uint32_t bytes);
  // Nobody waits for the answer.
  void cancel();
  // Ends the call, as its link goes.
  void abandon();
  // If it has changed.
  void tell_usage();
  std::uint64_t id() const { return id_; }

  void on_head(const AnswerHead& head) override;
  bool on_data(std::string_view data) override;
  void on_end(std::span<const net::Field> trailers) override;
  void on_failure(const Failure& failure) override;
  void on_want_body() override;
  void on_flush() override {}  // the link sends at the end of the round

 private:
  void pass_body();
  void note_taken(std::size_t bytes);
  std::size_t send_data(std::string_view data);
  void let_go();

  GroupLink& link_;
  std::uint64_t id_;
  std::unique_ptr<Call> call_;   // null: it is over
  bool counted_;                 // the request's body has a length
  std::uint64_t body_left_;      // of it
  std::int64_t body_credit_;     // that the other side has
  std::int64_t body_taken_ = 0;  // that it will get back
  std::string body_rest_;        // that the call did not take yet
  bool body_ended_ = false;
  std::vector<std::pair<std::string, std::string>> body_trailers_;
  std::int64_t credit_;  // for the answer
  std::string rest_;     // of the answer, past the credit
  bool paused_ = false;
  std::int64_t told_cpu_ns_ = 0;
};

}  // namespace duet::gateway
