#pragma once

#include <string>
#include <utility>
#include <vector>

#include "gateway/exchange.h"
#include "gateway/file_conditions.h"
#include "net/event_loop.h"
#include "sys/fd.h"

namespace duet::gateway {

// An answer whose body is a part of a file, or empty. The file is read in pieces as far as the
// caller takes them, and after some of them others get their turn.
class FileCall final : public Call {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;
  static constexpr std::size_t kPieceBytes = 64 << 10;
  static constexpr int kPiecesARound = 4;

  // An answer without a body.
  FileCall(net::EventLoop& loop, Caller& caller, int status, Fields fields)
      : FileCall(loop, caller, status, std::move(fields), {}, {}, false) {}
  // `to_head`: only the head is wanted.
  FileCall(net::EventLoop& loop, Caller& caller, int status, Fields fields, sys::Fd file,
           ByteRange part, bool to_head)
      : loop_(loop),
        caller_(caller),
        status_(status),
        fields_(std::move(fields)),
        file_(std::move(file)),
        part_(part),
        to_head_(to_head) {}

  void begin() override;
  std::size_t write_body(std::string_view data) override { return data.size(); }
  void finish_body(std::span<const net::Field>) override {}
  void resume_answer() override;
  void cancel() override;

 private:
  void read();
  void on_turn();

  net::EventLoop& loop_;
  Caller& caller_;
  int status_;
  Fields fields_;
  sys::Fd file_;
  ByteRange part_;  // what is left of it
  bool to_head_;
  bool done_ = false;
  net::MemberTimer<FileCall, &FileCall::on_turn> turn_{*this};
};

}  // namespace duet::gateway
