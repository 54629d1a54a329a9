#include <sys/socket.h>

#include "api/handlers.h"
#include "api/session.h"

// exec and attach of the local API: the streams of a process in a pod as frames on the upgraded
// connection.
namespace duet::api {
namespace {

class FramedClient final : public SessionClient {
 public:
  FramedClient(int fd, std::string buffered) : fd_(fd), reader_(fd, std::move(buffered)) {}

  Result<std::optional<Frame>> next() override { return reader_.next(); }
  Status send(Channel channel, std::string_view data) override {
    return send_frames(fd_, channel, data);
  }
  // What was sent stays readable for the client: a Unix socket loses nothing.
  void end() override { cut(); }
  void cut() override { shutdown(fd_, SHUT_RDWR); }

 private:
  int fd_;
  FrameReader reader_;
};

bool can_upgrade(Exchange& exchange) {
  if (exchange.context.pods == nullptr) {
    exchange.answer(Error(ErrorCode::kUnavailable, "this node runs no pods"));
    return false;
  }
  if (!exchange.request.upgrade ||
      net::find_value(exchange.request.fields, "Upgrade") != kChannelProtocol) {
    exchange.answer(bad_request("this needs a connection that is upgraded to " +
                                std::string(kChannelProtocol) + "; use the command duet exec"));
    return false;
  }
  const auto key = exchange.path.key();
  if (const auto pod = exchange.context.store.get(key); !pod.ok()) {
    exchange.answer(failure_of(pod.error(), key));
    return false;
  }
  return true;
}

void start_session(Exchange& exchange, Result<pod::Session> session) {
  if (!session.ok()) {
    return exchange.answer(session.error());
  }
  net::ServerConnection& connection = exchange.connection;
  if (!connection.switch_protocols({{"Upgrade", std::string(kChannelProtocol)}}).ok()) {
    return;
  }
  connection.stream().set_timeout(0);  // a person may think for as long as they like
  FramedClient client(connection.fd(), connection.take_buffered());
  run_session(client, std::move(*session), SessionEnd::kExitCode);
}

}  // namespace

void handle_exec(Exchange& exchange) {
  if (!can_upgrade(exchange)) {
    return;
  }
  const pod::ExecOptions options{.command = exchange.query.all("command"),
                                 .tty = exchange.query.flag("tty"),
                                 .stdin_open = exchange.query.flag("stdin")};
  start_session(exchange, exchange.context.pods->exec(exchange.path.key(),
                                                      exchange.query.get("container"), options));
}

void handle_attach(Exchange& exchange) {
  if (can_upgrade(exchange)) {
    start_session(exchange, exchange.context.pods->attach(exchange.path.key(),
                                                          exchange.query.get("container")));
  }
}

}  // namespace duet::api
