#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "monitor/cri_log.h"
#include "monitor/loop.h"
#include "monitor/pipes.h"
#include "monitor/protocol.h"
#include "monitor/reaper.h"
#include "sys/clock.h"
#include "sys/fd.h"

namespace duet::monitor {

// Somebody who looks at a child's streams: an attached client.
class Viewer {
 public:
  virtual ~Viewer() = default;
  virtual void on_output(OutputStream stream, std::string_view data) = 0;
  virtual void on_stdin_writable() = 0;
  virtual void on_exit(const ChildState& state) = 0;
};

// What a child needs from its surroundings.
struct ChildContext {
  Loop& loop;
  Reaper& reaper;
  const sys::Clock& clock;
  std::string exits_directory;
  std::function<void(const std::string& id)> changed;  // its state is another now
};

// One container or process: its streams, its log, its state and how it ended. It is made in
// kStarting, given its streams, then its pid, then told that its start is over. Not thread-safe.
class Child {
 public:
  Child(const ChildContext& context, std::string id, CriLog log, std::string oom_counter_file);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  const ChildState& state() const { return state_; }

  // Streams. Each takes our side of a pipe or a terminal.
  Status take_output(sys::Fd out, sys::Fd err);
  Status take_terminal(sys::Fd master);
  Status take_stdin(sys::Fd write_end, bool once);

  // Output that comes before end_preface() is not the child's and is not logged: it is the OCI
  // runtime's, and end_preface gives the last kRuntimeTextBytes of it.
  void begin_preface() { in_preface_ = true; }
  std::string end_preface();

  // The process is `pid`. Its end is not told before finish_start().
  Status take_process(pid_t pid);
  void finish_start();

  // Success when it has exited; kConflict when it has no process yet.
  Status send_signal(int signal);
  Status reopen_log() { return log_.reopen(); }
  // Removes what it left in the exits folder.
  void remove_exit_file();

  // Viewers, which outlive their membership.
  void add_viewer(Viewer* viewer) { viewers_.push_back(viewer); }
  void remove_viewer(Viewer* viewer);
  // How many bytes were taken; all of them when there is no stdin. Else on_stdin_writable follows.
  size_t write_stdin(std::string_view data);
  void close_stdin();  // by a viewer; ends stdin if it is for one viewer only
  void resize(uint16_t columns, uint16_t rows);

 private:
  void on_output(OutputStream stream, std::string_view data);
  void on_end(const sys::ExitStatus& status);
  void tell_end(const sys::ExitStatus& status);
  void write_exit_file() const;

  ChildContext context_;
  ChildState state_;
  CriLog log_;
  std::string oom_counter_file_;
  uint64_t oom_count_before_ = 0;

  bool in_preface_ = false;
  std::string preface_;
  bool starting_ = true;
  std::optional<sys::ExitStatus> early_end_;
  sys::Fd pidfd_;

  std::unique_ptr<OutputPipe> out_;
  std::unique_ptr<OutputPipe> err_;
  std::unique_ptr<InputPipe> in_;
  bool stdin_once_ = false;
  sys::Fd terminal_;
  std::vector<Viewer*> viewers_;
};

// The count after "oom_kill " in a memory.events or memory.oom_control file; 0 if there is none.
uint64_t read_oom_kill_count(const std::string& file);

}  // namespace duet::monitor
