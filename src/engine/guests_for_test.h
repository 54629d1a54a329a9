#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What the tests of this room share: guests built from guests/, and the real duet-compile.
namespace duet::engine {

// A descriptor that closes itself.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

inline std::string read_all(int fd) {
  std::string text;
  std::string part(64 << 10, '\0');
  lseek(fd, 0, SEEK_SET);
  for (ssize_t count = 0; (count = read(fd, part.data(), part.size())) > 0;) {
    text.append(part, 0, static_cast<std::size_t>(count));
  }
  return text;
}

inline Fd memory_file(std::string_view content) {
  Fd file(memfd_create("test", MFD_CLOEXEC));
  EXPECT_EQ(write(file.get(), content.data(), content.size()),
            static_cast<ssize_t>(content.size()));
  lseek(file.get(), 0, SEEK_SET);
  return file;
}

inline std::string guest_path(std::string_view name) {
  const char* build = std::getenv("DUET_BUILD_DIR");
  return std::string(build == nullptr ? DUET_TEST_BUILD_DIR : build) + "/guests/" +
         std::string(name) + ".wasm";
}

struct CompilerRun {
  int exit_code;  // minus the signal when one ended it
  Fd output;
  std::string errors;
};

inline CompilerRun run_compiler(int input, std::vector<std::string> arguments = {}) {
  CompilerRun run{0, memory_file(""), ""};
  const Fd errors = memory_file("");
  std::vector<char*> argv;
  arguments.insert(arguments.begin(), DUET_COMPILE);
  for (std::string& argument : arguments) {
    argv.push_back(argument.data());
  }
  argv.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    dup2(input, STDIN_FILENO);
    dup2(run.output.get(), STDOUT_FILENO);
    dup2(errors.get(), STDERR_FILENO);
    execv(DUET_COMPILE, argv.data());
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  run.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  run.errors = read_all(errors.get());
  return run;
}

// The compiled file of a guest of guests/.
inline Fd compile_guest(std::string_view name, std::vector<std::string> arguments = {}) {
  const Fd input(open(guest_path(name).c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_GE(input.get(), 0) << "there is no guest " << guest_path(name)
                            << ": build the target guests";
  CompilerRun run = run_compiler(input.get(), std::move(arguments));
  EXPECT_EQ(run.exit_code, 0) << run.errors;
  return std::move(run.output);
}

// Binary WebAssembly of a text, core modules and components.
inline std::string wasm_from_text(std::string_view text) {
  const Fd in = memory_file(text);
  const Fd out = memory_file("");
  const std::string command = std::string(DUET_WAT) + " /proc/" + std::to_string(getpid()) +
                              "/fd/" + std::to_string(in.get()) + " /proc/" +
                              std::to_string(getpid()) + "/fd/" + std::to_string(out.get());
  EXPECT_EQ(std::system(command.c_str()), 0);  // NOLINT(cert-env33-c): our own tool
  return read_all(out.get());
}

}  // namespace duet::engine
