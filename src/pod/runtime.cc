#include "pod/runtime.h"

#include <unistd.h>

namespace duet::pod {

ExecFiles::~ExecFiles() {
  for (const auto& file : files_) {
    ::unlink(file.c_str());
  }
}

ExecFiles::ExecFiles(const monitor::ExecStart& start)
    : files_{start.pid_file, start.console_socket,
             start.pid_file.substr(0, start.pid_file.rfind('.')) + ".json"} {}

}  // namespace duet::pod
