#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/exchange.h"
#include "gateway/front.h"
#include "gateway/transaction.h"
#include "net/event_loop.h"
#include "net/http_body.h"
#include "net/http_request_parser.h"
#include "net/stream.h"

namespace duet::gateway {

// One client's HTTP/1.1 connection: reads requests, finds who answers, passes bodies in both
// directions with bounded buffers, and writes answers in order. Pipelined requests are answered one
// after the other. A client that turns out to speak HTTP/2, by ALPN or by its preface, is handed
// over to an Http2Connection. It destroys itself at the end of the loop's round when it is over.
class ClientConnection final : public FrontConnection,
                               public net::IoHandler,
                               public Caller,
                               public net::Deferred {
 public:
  ClientConnection(Front& front, net::Stream stream, Client client);
  ~ClientConnection() override;

  void open(std::list<std::unique_ptr<FrontConnection>>::iterator self) override;
  void drain() override;
  std::string_view listener() const override { return client_.listener; }

  void on_io(std::uint32_t events) override;

 private:
  enum class State : std::uint8_t {
    kHead,      // reads a request's head
    kExchange,  // a request is being answered
    kTunnel,    // after 101: bytes in both directions
    kDiscard,   // the answer is complete, the request's body not yet
    kFlush,     // sends what is left, then closes
    kLinger,    // has sent everything and reads until the client closes, so that the answer is not
                // lost to a reset
    kClosed,
  };

  // Caller
  void on_head(const AnswerHead& head) override;
  bool on_data(std::string_view data) override;
  void on_end(std::span<const net::Field> trailers) override;
  void on_failure(const Failure& failure) override;
  void on_want_body() override;
  void on_flush() override { run(); }
  void run_deferred() override;

  // client_connection.cc: the loop of the connection
  void run();
  bool speaks_http2();
  void hand_over();
  bool step();
  std::size_t read_limit() const;
  bool read_head();
  bool pump_body();
  std::span<const net::Field> passed_trailers();
  bool pump_tunnel();
  bool discard_body();
  bool finish_exchange();

  // client_end.cc: how it ends
  void note_broken_handshake();
  void note_incomplete_head();
  void end_request();
  void break_off();
  void linger();
  void close();

  // client_timers.cc: what is waited for
  void note_received(std::size_t bytes);
  void set_timers();
  void on_timer();

  // client_exchange.cc: one request
  void begin_exchange();
  void start_exchange();
  void answer_own(const OwnAnswer& answer);
  void write_head(const AnswerHead& head);
  void write_framing(const AnswerHead& head);
  void write_field(std::string_view name, std::string_view value);
  void write_trailers(std::span<const net::Field> trailers);

  Front& front_;
  net::Stream stream_;
  Client client_;
  std::list<std::unique_ptr<FrontConnection>>::iterator self_;
  State state_ = State::kHead;
  bool running_ = false;
  bool keep_alive_ = true;
  bool first_request_ = true;
  bool head_timed_ = false;  // the timer counts from the first byte of a head
  bool end_sent_ = false;
  bool draining_ = false;         // takes no request after the present one
  std::int64_t progress_ns_ = 0;  // when the client last sent or took something
  std::int64_t linger_until_ns_ = 0;
  std::uint64_t sent_before_ = 0;
  net::RequestParser parser_;
  net::RequestHead request_;
  net::MemberTimer<ClientConnection, &ClientConnection::on_timer> timer_{*this};

  // The present request
  Transaction transaction_{front_, client_};
  net::BodyDecoder body_;
  std::size_t pending_data_ =
      0;  // decoded body bytes at the front of in() that the call did not take yet
  bool body_blocked_ = false;  // the call takes no more body now
  bool body_ended_ = false;    // the call knows that the body is complete
  bool head_written_ = false;
  bool answer_ended_ = false;
  bool answer_paused_ = false;
  bool chunked_ = false;
  bool bodyless_ = false;          // HEAD, 204, 304: data of the backend are dropped
  std::uint64_t answer_left_ = 0;  // of a body with a length
  bool counted_ = false;           // answer_left_ has a meaning
  std::uint64_t discarded_bytes_ = 0;
  std::vector<net::Field> fields_;  // of an answer that filters changed; trailers to be passed on
  std::string own_fields_;  // names in the Connection fields of a request that may have trailers
};

// Makes the connection of `client`, by TLS if its scheme says so. Whether it is trusted is found
// out here. False: out of memory.
bool serve_client(Front& front, sys::Fd fd, Client client);

}  // namespace duet::gateway
