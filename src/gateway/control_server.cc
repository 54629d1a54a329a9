#include "gateway/control_server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

namespace duet::gateway {
namespace {

using Json = nlohmann::json;

std::string format_status(const WorkerStatus& status) {
  return Json{{"pid", status.pid},
              {"generation", status.generation},
              {"draining", status.draining},
              {"listeners", status.listeners},
              {"codes", status.codes},
              {"connections", status.connections},
              {"requestsInFlight", status.requests_in_flight},
              {"requests", status.requests},
              {"logDropped", status.log_dropped}}
      .dump();
}

std::string text_of(const Json& message, const char* key) {
  const auto found = message.find(key);
  return found != message.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

Result<sys::Fd> listen_control(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return invalid("control socket path '" + path + "' is empty or too long");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  sys::Fd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) {
    return Error::from_errno("socket", errno);
  }
  struct stat info{};
  if (lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) {
    unlink(path.c_str());
  }
  fchmod(fd.get(), 0600);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      chmod(path.c_str(), 0600) != 0 || listen(fd.get(), 8) != 0) {
    return Error::from_errno("listening on " + path, errno);
  }
  return fd;
}

// One connected agent.
class ControlServer::Peer final : public net::IoHandler, public net::Deferred {
 public:
  Peer(ControlServer& server, sys::Fd fd) : server_(server), fd_(std::move(fd)) {}
  ~Peer() { server_.loop_.remove(fd_.get(), *this); }

  Status start(std::list<std::unique_ptr<Peer>>::iterator self) {
    self_ = self;
    return server_.loop_.add(fd_.get(), *this, EPOLLIN);
  }

  void on_io(std::uint32_t) override {
    auto packet = receive_packet(fd_.get());
    if (!packet.ok() && packet.error().code() == ErrorCode::kTimeout) {
      return;
    }
    if (!packet.ok() || !packet->has_value() || !reply(server_.answer(std::move(**packet)))) {
      server_.loop_.remove(fd_.get(), *this);
      server_.loop_.defer(*this);
    }
  }
  void run_deferred() override { server_.peers_.erase(self_); }

 private:
  bool reply(const std::string& text) {
    if (text.size() <= kPacketBytes) {
      return send_packet(fd_.get(), text, -1).ok();
    }
    auto memory = make_memfd(text);
    return memory.ok() && send_packet(fd_.get(), "{}", memory->get()).ok();
  }

  ControlServer& server_;
  sys::Fd fd_;
  std::list<std::unique_ptr<Peer>>::iterator self_;
};

ControlServer::ControlServer(net::EventLoop& loop, Worker& worker, sys::Fd socket, uid_t owner)
    : loop_(loop), worker_(worker), socket_(std::move(socket)), owner_(owner) {}

ControlServer::~ControlServer() { loop_.remove(socket_.get(), *this); }

Status ControlServer::start() { return loop_.add(socket_.get(), *this, EPOLLIN); }

void ControlServer::on_io(std::uint32_t) {
  sys::Fd fd(accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (!fd.valid() || getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0 ||
      (credentials.uid != 0 && credentials.uid != owner_) || peers_.size() >= kPeers) {
    return;
  }
  peers_.push_back(std::make_unique<Peer>(*this, std::move(fd)));
  const auto self = std::prev(peers_.end());
  if (!(*self)->start(self).ok()) {
    peers_.erase(self);
  }
}

std::string ControlServer::answer(Packet packet) {
  std::string status_json;
  const Status done = obey(std::move(packet), status_json);
  if (!done.ok()) {
    return Json{{"ok", false}, {"error", done.error().message()}}.dump(
        -1, ' ', false, Json::error_handler_t::replace);
  }
  return status_json.empty() ? R"({"ok":true})" : R"({"ok":true,"status":)" + status_json + "}";
}

Status ControlServer::obey(Packet packet, std::string& status_json) {
  const Json message = Json::parse(packet.text, nullptr, false);
  if (!message.is_object()) {
    return invalid("a control packet must be a JSON object");
  }
  const std::string type = text_of(message, "type");
  if (type == "status") {
    status_json = format_status(worker_.status());
    return {};
  }
  if (type == "drain") {
    const auto found = message.find("timeout_ms");
    worker_.drain(found != message.end() && found->is_number_integer() ? found->get<std::int64_t>()
                                                                       : 0);
    return {};
  }
  if (!packet.fd.valid()) {
    return invalid("a control packet of type '" + type + "' needs a descriptor");
  }
  if (type == "listener") {
    worker_.add_listener(text_of(message, "name"), std::move(packet.fd));
    return {};
  }
  if (type == "code") {
    worker_.add_code(text_of(message, "digest"), std::move(packet.fd));
    return {};
  }
  if (type == "access_log") {
    worker_.set_access_log(std::move(packet.fd));
    return {};
  }
  if (type == "table") {
    DUET_ASSIGN(const std::string json, read_memfd(packet.fd.get(), kTableBytes));
    DUET_ASSIGN(RouteTable table, parse_route_table(json));
    return worker_.set_table(std::move(table));
  }
  return invalid("unknown control packet type '" + type + "'");
}

}  // namespace duet::gateway
