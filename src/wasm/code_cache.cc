#include "wasm/code_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <semaphore>
#include <utility>

#include "engine/code_file.h"
#include "sys/file.h"
#include "wasm/code_store.h"
#include "wasm/compiler_run.h"
#include "wasm/node_key.h"

namespace duet::wasm {

namespace {

constexpr std::string_view kAlgorithm = "sha256:";

Result<std::string> hex_of(const std::string& digest) {
  const std::string hex = digest.substr(std::min(digest.size(), kAlgorithm.size()));
  if (!digest.starts_with(kAlgorithm) || hex.size() != 64 ||
      hex.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return invalid("'" + digest.substr(0, 100) + "' is not sha256: and 64 hexadecimal digits");
  }
  return hex;
}

// Holds a file's lock (fcntl(2), open file description locks: between threads and processes) until
// destroyed.
Result<sys::Fd> lock_file(const std::string& path) {
  DUET_ASSIGN(sys::Fd fd, sys::open_file(path, O_RDWR | O_CREAT, 0600));
  struct flock whole{};
  whole.l_type = F_WRLCK;
  while (::fcntl(fd.get(), F_OFD_SETLKW, &whole) != 0) {
    if (errno != EINTR) {
      return Error::from_errno(path, errno);
    }
  }
  return fd;
}

// Of programs, of handlers, and of asynchronous ones.
using Keys = std::array<std::string, 3>;

class FileCodeCache final : public CodeCache {
 public:
  FileCodeCache(CodeCacheOptions options, CodeStore store, Keys keys)
      : options_(std::move(options)), store_(std::move(store)), keys_(std::move(keys)) {}

  Result<Code> ensure(int module_fd, const std::string& digest, engine::Use use) override {
    auto found = find(digest, use);
    if (found.ok() || found.error().code() == ErrorCode::kInvalid) {
      return found;
    }
    DUET_ASSIGN(const std::string hex, hex_of(digest));
    const std::string lock_path = store_.directory() + "/" + hex + ".lock";
    DUET_ASSIGN(const sys::Fd lock, lock_file(lock_path));
    found = find(digest, use);  // somebody else may have been faster
    if (!found.ok()) {
      const Status compiled = compile(module_fd, digest, hex, use);
      found = compiled.ok() ? find(digest, use) : Result<Code>(compiled.error());
      if (found.ok()) {
        found->compiled_now = true;
      }
    }
    // Who opens it from now on makes a new one: at worst a module is compiled twice.
    ::unlink(lock_path.c_str());
    return found;
  }

  Result<Code> find(const std::string& digest, engine::Use use) override {
    DUET_ASSIGN(const std::string hex, hex_of(digest));
    for (const std::string& key : keys_) {
      auto fd = store_.find({hex, key});
      if (fd.ok()) {
        // What is of another use has the key of handlers too, and does not count.
        DUET_ASSIGN(Code code, describe(std::move(*fd), digest));
        if ((code.kind == engine::Kind::kModuleHandler) == (use == engine::Use::kWagi)) {
          return code;
        }
        continue;
      }
      if (fd.error().code() == ErrorCode::kCorrupt) {
        report(fd.error().message());
      } else if (fd.error().code() != ErrorCode::kNotFound) {
        return fd.error();
      }
    }
    return not_found("the cache has no compiled code for " + digest);
  }

  const std::string& directory() const override { return store_.directory(); }

  Result<uint64_t> size_bytes() const override { return store_.size_bytes(); }

 private:
  static Result<Code> describe(sys::Fd fd, const std::string& digest) {
    DUET_ASSIGN(const engine::CodeFooter footer, engine::read_code_footer(fd.get()));
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0) {
      return Error::from_errno("compiled code of " + digest, errno);
    }
    return Code{.fd = std::move(fd),
                .kind = footer.kind,
                .digest = digest,
                .size_bytes = static_cast<uint64_t>(status.st_size)};
  }

  Status compile(int module_fd, const std::string& digest, const std::string& hex,
                 engine::Use use) {
    DUET_ASSIGN(const std::string actual, file_digest(module_fd));
    if (actual != digest) {
      return Error(ErrorCode::kCorrupt, "the module has digest " + actual + ", not " + digest);
    }
    compilers_.acquire();
    Status stored = store_.store(hex, [&](const CodeStore::Sink& sink) {
      return run_compiler(compiler_run(module_fd, use), sink);
    });
    compilers_.release();
    if (!stored.ok()) {
      return stored;
    }
    return store_.shrink(options_.size_limit_bytes, hex);
  }

  CompilerRun compiler_run(int module_fd, engine::Use use) const {
    const int64_t seconds = (options_.compile_timeout_ms + 999) / 1000;
    CompilerRun run{.argv = {options_.compiler, "--max-input-bytes",
                             std::to_string(options_.module_limit_bytes), "--max-memory-bytes",
                             std::to_string(options_.compile_memory_bytes), "--max-cpu-seconds",
                             std::to_string(seconds * kCompilerThreads)},
                    .module_fd = module_fd,
                    .timeout_ms = options_.compile_timeout_ms,
                    .code_limit_bytes = options_.code_limit_bytes};
    if (options_.bounds == engine::Bounds::kChecked) {
      run.argv.insert(run.argv.end(), {"--bounds", "checked"});
    }
    if (use == engine::Use::kWagi) {
      run.argv.emplace_back("--wagi");
    }
    if (::geteuid() == 0) {
      run.argv.insert(run.argv.end(), {"--user", std::to_string(options_.compile_uid) + ":" +
                                                     std::to_string(options_.compile_gid)});
    }
    return run;
  }

  void report(const std::string& sentence) const {
    if (options_.report) {
      options_.report(sentence);
    }
  }

  // A compiler may use all processors: its processor time is more than the clock's.
  static constexpr int64_t kCompilerThreads = 64;
  static constexpr int kCompilersAtOnce = 2;

  CodeCacheOptions options_;
  CodeStore store_;
  Keys keys_;
  std::counting_semaphore<> compilers_{kCompilersAtOnce};
};

}  // namespace

Result<std::unique_ptr<CodeCache>> CodeCache::open(CodeCacheOptions options,
                                                   const sys::Clock& clock) {
  using engine::Kind;
  DUET_ASSIGN(const NodeKey key, open_node_key(options.key_file));
  DUET_ASSIGN(CodeStore store, CodeStore::open(options.directory, key, clock));
  Keys keys;
  DUET_ASSIGN(keys[0], engine::engine_compatibility_key(Kind::kModuleProgram));
  DUET_ASSIGN(keys[1], engine::engine_compatibility_key(Kind::kHandler, options.bounds));
  DUET_ASSIGN(keys[2], engine::engine_compatibility_key(Kind::kAsyncHandler, options.bounds));
  return std::unique_ptr<CodeCache>(
      std::make_unique<FileCodeCache>(std::move(options), std::move(store), std::move(keys)));
}

Result<std::string> file_digest(int fd) {
  DUET_ASSIGN(Sha256 sum, Sha256::begin());
  std::array<char, 64 << 10> chunk;
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(fd, chunk.data(), chunk.size(), at);
    if (got < 0 && errno != EINTR) {
      return Error::from_errno("read a module", errno);
    }
    if (got == 0) {
      DUET_ASSIGN(const std::string hex, std::move(sum).finish());
      return std::string(kAlgorithm) + hex;
    }
    sum.add(std::string_view(chunk.data(), static_cast<size_t>(std::max<ssize_t>(got, 0))));
    at += std::max<ssize_t>(got, 0);
  }
}

}  // namespace duet::wasm
