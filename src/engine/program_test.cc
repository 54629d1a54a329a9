#include "engine/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>

#include "engine/guests_for_test.h"

namespace duet::engine {
namespace {

using ::testing::HasSubstr;

constexpr int kTrapped = 200;
constexpr int kFailed = 201;

struct Ran {
  int exit_code;
  std::string out;
  std::string err;  // what the program wrote, or the trap, or the error
};

// Runs the program in a child, whose standard streams are ours to see.
Ran run(const Fd& code, Kind kind, const ProgramOptions& options, std::string_view input = "") {
  const Fd in = memory_file(input);
  const Fd out = memory_file("");
  const Fd err = memory_file("");
  const pid_t child = fork();
  if (child == 0) {
    dup2(in.get(), STDIN_FILENO);
    dup2(out.get(), STDOUT_FILENO);
    dup2(err.get(), STDERR_FILENO);
    const auto end = run_program(code.get(), kind, options);
    const std::string text = end.ok() ? end->message : end.error().message();
    static_cast<void>(!write(STDERR_FILENO, text.data(), text.size()));
    if (!end.ok()) {
      _exit(kFailed);
    }
    _exit(end->trapped ? kTrapped : end->exit_code);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), read_all(out.get()),
          read_all(err.get())};
}

Ran run_module(std::string_view guest, const ProgramOptions& options, std::string_view input = "") {
  return run(compile_guest(guest), Kind::kModuleProgram, options, input);
}

ProgramOptions arguments(std::vector<std::string> arguments) {
  ProgramOptions options;
  options.arguments = std::move(arguments);
  return options;
}

class Folder {
 public:
  Folder() {
    std::string pattern = ::testing::TempDir() + "/duet-program-XXXXXX";
    path_ = mkdtemp(pattern.data());
    fd_ = Fd(open(path_.c_str(), O_DIRECTORY | O_RDONLY | O_CLOEXEC));
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  int fd() const { return fd_.get(); }
  std::string read(const std::string& name) const {
    std::ifstream file(path_ + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& name, std::string_view text) const {
    std::ofstream(path_ + "/" + name) << text;
  }

 private:
  std::string path_;
  Fd fd_{-1};
};

TEST(Program, WritesAndEnds) {
  const Ran result = run_module("hello", arguments({"hello"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "hello from duet\n");
}

TEST(Program, ExitCodesComeThrough) {
  const Fd code = compile_guest("exit");
  EXPECT_EQ(run(code, Kind::kModuleProgram, arguments({"exit", "0"})).exit_code, 0);
  EXPECT_EQ(run(code, Kind::kModuleProgram, arguments({"exit", "7"})).exit_code, 7);
  EXPECT_EQ(run(code, Kind::kModuleProgram, arguments({"exit", "125"})).exit_code, 125);
}

TEST(Program, SeesArgumentsEnvironmentAndFolders) {
  const Folder folder;
  ProgramOptions options = arguments({"args", "one", "two words"});
  options.environment = {{"COLOR", "blue"}, {"EMPTY", ""}};
  options.preopens = {{folder.fd(), "/data", false}};
  EXPECT_EQ(run_module("args", options).out,
            "arg 0 args\narg 1 one\narg 2 two words\nenv COLOR=blue\nenv EMPTY=\ndir /data\n");
}

TEST(Program, NothingOfTheHostIsSeenUnasked) {
  setenv("DUET_SECRET", "1", 1);
  EXPECT_EQ(run_module("args", arguments({"args"})).out, "arg 0 args\n");
}

TEST(Program, ReadsItsInput) {
  EXPECT_EQ(run_module("cat", arguments({"cat"}), "what comes in").out, "what comes in");
}

TEST(Program, BothOutputsAreApart) {
  const Ran result = run_module("stderr", arguments({"stderr"}));
  EXPECT_EQ(result.out, "a line for stdout\n");
  EXPECT_EQ(result.err, "a line for stderr\n");
}

TEST(Program, UsesItsFolders) {
  const Folder folder;
  ProgramOptions options = arguments({"file", "write", "/data/note", "kept"});
  options.preopens = {{folder.fd(), "/data", false}};
  EXPECT_EQ(run_module("file", options).exit_code, 0);
  EXPECT_EQ(folder.read("note"), "kept");
}

TEST(Program, ReadOnlyFoldersStayAsTheyAre) {
  const Folder folder;
  folder.write("note", "kept");
  ProgramOptions options = arguments({"file", "read", "/data/note"});
  options.preopens = {{folder.fd(), "/data", true}};
  EXPECT_EQ(run_module("file", options).out, "kept");
  for (const std::string verb : {"write", "append", "remove"}) {
    options.arguments = {"file", verb, "/data/note", "changed"};
    EXPECT_NE(run_module("file", options).exit_code, 0) << verb;
  }
  options.arguments = {"file", "write", "/data/new", "text"};
  EXPECT_NE(run_module("file", options).exit_code, 0);
  EXPECT_EQ(folder.read("note"), "kept");
  EXPECT_EQ(folder.read("new"), "");
}

TEST(Program, NoWayOutOfAFolder) {
  const Folder folder;
  ProgramOptions options = arguments({"file", "read", "/data/../../../../../../etc/passwd"});
  options.preopens = {{folder.fd(), "/data", false}};
  EXPECT_NE(run_module("file", options).exit_code, 0);
  EXPECT_EQ(symlink("/etc", ("/proc/self/fd/" + std::to_string(folder.fd()) + "/out").c_str()), 0);
  options.arguments = {"file", "read", "/data/out/passwd"};
  EXPECT_NE(run_module("file", options).exit_code, 0);
}

TEST(Program, FolderThatIsNoneIsNamed) {
  ProgramOptions options = arguments({"hello"});
  options.preopens = {{-1, "/data", false}};
  const Ran result = run_module("hello", options);
  EXPECT_EQ(result.exit_code, kFailed);
  EXPECT_THAT(result.err, HasSubstr("/data"));
}

TEST(Program, TrapIsTold) {
  const Ran result = run_module("trap", arguments({"trap"}));
  EXPECT_EQ(result.exit_code, kTrapped);
  EXPECT_EQ(result.out, "about to trap\n");
  EXPECT_THAT(result.err, HasSubstr("unreachable"));
}

TEST(Program, MemoryIsBounded) {
  ProgramOptions options = arguments({"grow"});
  options.memory_bytes = 8 << 20;
  const Ran result = run_module("grow", options);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_LE(std::stoi(result.out), 8);
  EXPECT_GE(std::stoi(result.out), 5);
}

TEST(Program, ComponentRuns) {
  const Fd code = compile_guest("rust_command");
  ProgramOptions options = arguments({"command", "one"});
  options.environment = {{"COLOR", "blue"}};
  const Ran result = run(code, Kind::kComponentProgram, options, "12345");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "arg 0 command\narg 1 one\nenv COLOR=blue\ninput 5 bytes\n");
  EXPECT_EQ(run(code, Kind::kComponentProgram, arguments({"command", "exit", "3"})).exit_code, 1);
  EXPECT_THAT(run(code, Kind::kComponentProgram, arguments({"command", "panic"})).err,
              HasSubstr("as asked"));
}

TEST(Program, HandlerIsRefused) {
  const Fd code = compile_guest("hello_handler");
  const auto refused = run_program(code.get(), Kind::kHandler, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message(), HasSubstr("request handler"));
  EXPECT_FALSE(run_program(code.get(), Kind::kComponentProgram, {}).ok());
}

TEST(Program, BrokenFilesAreRefused) {
  const std::string whole = read_all(compile_guest("hello").get());
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{100}, std::size_t{4096}, whole.size() / 2}) {
    const Fd file = memory_file(std::string_view(whole).substr(0, size));
    EXPECT_FALSE(run_program(file.get(), Kind::kModuleProgram, {}).ok()) << size;
    EXPECT_FALSE(run_program(file.get(), Kind::kComponentProgram, {}).ok()) << size;
  }
  EXPECT_FALSE(run_program(-1, Kind::kModuleProgram, {}).ok());
}

}  // namespace
}  // namespace duet::engine
