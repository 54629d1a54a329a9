#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "monitor/channel.h"
#include "monitor/child.h"
#include "monitor/runtime_call.h"
#include "monitor/terminal.h"

// What a connection becomes after a request that is not answered at once.
namespace duet::monitor {

// A client that wants every child's state. Keeps only the names of children that changed, so that a
// slow client costs no memory and misses no last state.
class SubscriptionSession final : public ChannelHandler {
 public:
  // The present state of a child; none: it was removed.
  using Lookup = std::function<std::optional<ChildState>(const std::string& id)>;

  SubscriptionSession(Channel& channel, std::set<std::string> ids, Lookup lookup,
                      std::function<void()> close);
  void begin() { flush(); }
  void changed(const std::string& id);

  void on_message(MessageType type, std::string_view fields, std::vector<sys::Fd> fds) override;
  void on_writable() override { flush(); }
  void on_closed() override { close_(); }

 private:
  void flush();

  Channel& channel_;
  std::set<std::string> changed_;
  Lookup lookup_;
  std::function<void()> close_;
  bool synced_ = false;
};

// A client that holds a container back until it says proceed, or goes.
class HoldSession final : public ChannelHandler {
 public:
  HoldSession(std::function<void()> proceed, std::function<void()> abandon,
              std::function<void()> close)
      : proceed_(std::move(proceed)), abandon_(std::move(abandon)), close_(std::move(close)) {}

  void on_message(MessageType type, std::string_view fields, std::vector<sys::Fd> fds) override;
  void on_writable() override {}
  void on_closed() override;

 private:
  std::function<void()> proceed_;  // null: it was said
  std::function<void()> abandon_;
  std::function<void()> close_;
};

// A client at the streams of a running child. Output that it is too slow for is dropped and
// counted: the child's log does not wait for it.
class AttachSession final : public ChannelHandler, public Viewer {
 public:
  AttachSession(Channel& channel, Child& child, std::function<void()> close);
  ~AttachSession() override;
  AttachSession(const AttachSession&) = delete;
  AttachSession& operator=(const AttachSession&) = delete;

  void on_message(MessageType type, std::string_view fields, std::vector<sys::Fd> fds) override;
  void on_writable() override;
  void on_closed() override;

  void on_output(OutputStream stream, std::string_view data) override;
  void on_stdin_writable() override;
  void on_exit(const ChildState& state) override;

 private:
  bool tell_dropped();

  Channel& channel_;
  Child* child_;  // null: it has exited
  std::function<void()> close_;
  std::string unwritten_;  // of one stdin message
  uint64_t dropped_bytes_ = 0;
  std::string farewell_;  // the kExited message when it could not be sent yet
};

// A process in a container, with its client. The process waits for a client that is slow, and is
// killed when the client goes.
class ExecSession final : public ChannelHandler {
 public:
  ExecSession(Loop& loop, Reaper& reaper, const sys::Clock& clock, Channel& channel,
              ExecStart request, std::function<void()> close);
  ~ExecSession() override;
  ExecSession(const ExecSession&) = delete;
  ExecSession& operator=(const ExecSession&) = delete;

  Status begin();

  void on_message(MessageType type, std::string_view fields, std::vector<sys::Fd> fds) override;
  void on_writable() override;
  void on_closed() override;

 private:
  Status prepare_pipes(sys::Pipe& in, sys::Pipe& out, sys::Pipe& err);
  Status take_terminal(sys::Fd master);
  void runtime_ended(const RuntimeCall::End& end);
  Status adopt(const RuntimeCall::End& end);
  void on_output(MessageType type, std::string_view data);
  void on_end(const sys::ExitStatus& status);
  void write_stdin(std::string_view data);
  void send_or_keep(std::string message);
  void set_output_paused(bool paused);
  void pump();
  void kill(int signal) const;

  Loop& loop_;
  Reaper& reaper_;
  const sys::Clock& clock_;
  Channel& channel_;
  ExecStart request_;
  std::function<void()> close_;

  std::unique_ptr<ConsoleSocket> console_;
  std::unique_ptr<RuntimeCall> call_;
  std::unique_ptr<OutputPipe> out_;
  std::unique_ptr<OutputPipe> err_;
  std::unique_ptr<InputPipe> in_;
  sys::Fd terminal_;
  sys::Fd pidfd_;
  ChildState state_;
  bool client_gone_ = false;
  bool exit_told_ = false;
  bool failing_ = false;
  std::string failure_text_;
  std::string unsent_;     // one message
  std::string unwritten_;  // of one stdin message
};

}  // namespace duet::monitor
