#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "monitor/channel.h"
#include "monitor/child.h"
#include "monitor/container_launch.h"
#include "monitor/loop.h"
#include "monitor/reaper.h"
#include "monitor/sessions.h"
#include "sys/clock.h"
#include "sys/fd.h"

namespace duet::monitor {

// One pod's monitor: listens in its folder, and does what its clients ask. Not thread-safe.
class Server {
 public:
  // Takes the folder for itself: kConflict when another monitor has it.
  static Result<std::unique_ptr<Server>> open(const std::string& directory,
                                              const sys::Clock& clock);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Until a client asks it to end.
  void run() { loop_->run(); }

 private:
  using ConnectionId = uint64_t;
  // A connection before it became a stream: takes one request and hands it to the server.
  class RequestSession;
  struct Connection {
    std::unique_ptr<Channel> channel;
    std::unique_ptr<ChannelHandler> handler;
    SubscriptionSession* subscription = nullptr;  // `handler`, if it is one
    bool exec = false;
  };
  struct Running {
    std::unique_ptr<Child> child;
    std::unique_ptr<ContainerLaunch> launch;  // while it starts
    ConnectionId holder = 0;                  // who holds it back; 0: nobody does
  };

  Server(std::string directory, const sys::Clock& clock, std::unique_ptr<Loop> loop)
      : directory_(std::move(directory)), clock_(clock), loop_(std::move(loop)) {}

  Status lock();
  Status listen();
  void accept();
  void close(ConnectionId id);
  void answer(ConnectionId id, std::string_view message);
  void answer(ConnectionId id, const Status& status);

  void handle(ConnectionId id, MessageType type, std::string_view fields,
              const std::vector<sys::Fd>& fds);
  Status start_container(ConnectionId id, std::string_view fields);
  Status hold_container(ConnectionId id, std::string_view fields);
  Result<std::string> launch_container(ConnectionId id, std::string_view fields);
  ContainerLaunch* held_by(ConnectionId id);
  Status start_process(ConnectionId id, std::string_view fields, const std::vector<sys::Fd>& fds);
  void container_started(ConnectionId id, const std::string& name, const Status& status);
  Status subscribe(ConnectionId id);
  Status exec(ConnectionId id, std::string_view fields);
  Status attach(ConnectionId id, std::string_view fields);
  Status signal(std::string_view fields);
  Status remove(std::string_view fields);
  Status reopen_log(std::string_view fields);
  Status quit();

  Result<Child*> find(const std::string& name);
  Result<std::unique_ptr<Child>> make_child(const std::string& name, const LogOptions& log,
                                            const std::string& oom_counter_file);
  void changed(const std::string& name);

  std::string directory_;
  const sys::Clock& clock_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<Reaper> reaper_;
  sys::Fd folder_;
  sys::Fd lock_;
  sys::Fd listener_;
  Loop::Token listener_watch_ = 0;
  ConnectionId next_connection_ = 1;
  std::map<std::string, Running> children_;
  std::map<ConnectionId, Connection> connections_;
};

}  // namespace duet::monitor
