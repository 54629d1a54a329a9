#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "sys/process.h"
#include "sys/run_command.h"

namespace duet::container {

// As sys::run, but done when the command itself has ended, though processes that it leaves behind
// hold on to its output: an OCI runtime's create does that. stdin is the command's own stdin_fd.
// Output past 64 KiB is cut.
Result<sys::Output> run_leaving_children(sys::Command command, int64_t timeout_ms);

// Path of the program `name` in `directories`; empty: it is in none.
std::string find_program(const std::string& name, const std::vector<std::string>& directories);

// The folders of PATH and those in which a service's PATH often lacks system programs.
std::vector<std::string> program_directories();

}  // namespace duet::container
