#include "gateway/control_peer.h"

namespace duet::gateway {

ControlPeer::ControlPeer(net::EventLoop& loop, PacketHandler& handler, sys::Fd socket,
                         std::function<void()> gone)
    : loop_(loop), handler_(handler), socket_(std::move(socket)), gone_(std::move(gone)) {}

ControlPeer::~ControlPeer() {
  if (watching_) {
    loop_.remove(socket_.get(), *this);
  }
}

Status ControlPeer::start() {
  DUET_TRY(loop_.add(socket_.get(), *this, EPOLLIN));
  watching_ = true;
  return {};
}

void ControlPeer::on_io(std::uint32_t) {
  auto packet = receive_packet(socket_.get());
  if (!packet.ok() && packet.error().code() == ErrorCode::kTimeout) {
    return;
  }
  if (!packet.ok() || !packet->has_value() || !reply(handler_.answer(std::move(**packet)))) {
    loop_.remove(socket_.get(), *this);
    watching_ = false;
    loop_.defer(*this);
  }
}

void ControlPeer::run_deferred() {
  gone_told_ = true;
  const std::function<void()> gone = gone_;  // outlives this
  gone();
}

bool ControlPeer::reply(const std::string& text) {
  if (text.size() <= kPacketBytes) {
    return send_packet(socket_.get(), text, -1).ok();
  }
  auto memory = make_memfd(text);
  return memory.ok() && send_packet(socket_.get(), "{}", memory->get()).ok();
}

}  // namespace duet::gateway
