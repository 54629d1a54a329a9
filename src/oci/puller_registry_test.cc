#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>

#include "oci/fixture_test.h"
#include "oci/manifest.h"
#include "oci/module.h"
#include "oci/pack.h"
#include "oci/puller.h"
#include "sys/file.h"
#include "sys/process.h"

// Against the real registry (Debian's docker-registry) with images that skopeo pushes.
namespace duet::oci {
namespace {

// duet:secret
constexpr const char* kHtpasswd =
    "duet:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n";

class Registry {
 public:
  // `more` is added to the "http" section and below of its configuration.
  Registry(const std::string& folder, const std::string& more) {
    const std::string config = "version: 0.1\nlog:\n  accesslog:\n    disabled: true\nstorage:\n" +
                               ("  filesystem:\n    rootdirectory: " + folder + "/registry\n") +
                               "http:\n  addr: 127.0.0.1:0\n" + more;
    EXPECT_TRUE(sys::write_file(folder + "/registry.yml", config).ok());
    auto pipe = std::move(sys::make_pipe()).value();
    const auto pid = sys::spawn({.argv = {"docker-registry", "serve", folder + "/registry.yml"},
                                 .stdout_fd = pipe.write.get(),
                                 .stderr_fd = pipe.write.get()});
    EXPECT_TRUE(pid.ok()) << pid.error().message();
    pid_ = *pid;
    ::fcntl(pipe.read.get(), F_SETPIPE_SZ, 1 << 20);
    pipe.write.reset();
    wait_for_address(pipe.read.get());
    log_ = std::move(pipe.read);
  }
  ~Registry() {
    ::kill(pid_, SIGKILL);
    (void)sys::wait(pid_);
  }
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;
  const std::string& address() const { return address_; }

 private:
  void wait_for_address(int fd) {
    const std::string mark = "listening on 127.0.0.1:";
    std::string text;
    std::array<char, 4096> chunk;
    for (;;) {
      const size_t at = text.find(mark);
      const size_t port = at + mark.size();
      const size_t end = at == std::string::npos ? at : text.find_first_not_of("0123456789", port);
      if (end != std::string::npos) {
        address_ = "127.0.0.1:" + text.substr(port, end - port);
        return;
      }
      const ssize_t got = ::read(fd, chunk.data(), chunk.size());
      ASSERT_GT(got, 0) << text;
      text.append(chunk.data(), static_cast<size_t>(got));
    }
  }

  pid_t pid_ = -1;
  std::string address_;
  sys::Fd log_;
};

class PullRegistry : public ::testing::Test {
 protected:
  static PullOptions options() {
    return {.helper = built_helper(), .attempt_limit = 2, .backoff_ms = 1};
  }
  void push(const std::string& layout, const std::string& to, const std::string& creds = "") {
    std::vector<std::string> argv = {"skopeo", "copy", "--dest-tls-verify=false", "oci:" + layout,
                                     "docker://" + to};
    if (!creds.empty()) {
      argv.insert(argv.begin() + 2, "--dest-creds=" + creds);
    }
    must_run(argv);
  }

  TemporaryFolder folder_;
  ContentStore store_ = open_store(folder_ / "images");
};

TEST_F(PullRegistry, BringsAContainerOverPlainHttpOnLoopback) {
  const Registry registry(folder_.path(), "");
  make_container_layout(folder_ / "layout");
  push((folder_ / "layout") + ":app", registry.address() + "/team/app:v1");
  PullProgress last;
  const auto image = pull(store_, registry.address() + "/team/app:v1", options(),
                          [&](const PullProgress& progress) { last = progress; });
  ASSERT_TRUE(image.ok()) << image.error().message();
  EXPECT_EQ(image->config.entrypoint, std::vector<std::string>{"/bin/busybox"});
  EXPECT_EQ(last.done_bytes, last.total_bytes);
  EXPECT_EQ(last.blobs_done, last.blobs_total);
  must_run({"umoci", "unpack", "--rootless", "--image", store_.path() + ":" + image->name,
            folder_ / "bundle"});
  EXPECT_EQ(exit_code({"cmp", "/bin/busybox", folder_ / "bundle/rootfs/bin/busybox"}), 0);
  EXPECT_EQ(pull(store_, registry.address() + "/team/app:none", options()).error().code(),
            ErrorCode::kNotFound);
  EXPECT_EQ(pull(store_, registry.address() + "/none:v1", options()).error().code(),
            ErrorCode::kNotFound);
}

TEST_F(PullRegistry, BringsBackAWasmArtifact) {
  const Registry registry(folder_.path(), "");
  auto packed = open_store(folder_ / "packed");
  ASSERT_TRUE(sys::write_file(folder_ / "m.wasm", component()).ok());
  const auto made = pack_module(packed, folder_ / "m.wasm", {.name = "h.io/m:v1"});
  ASSERT_TRUE(made.ok());
  push(packed.path() + ":h.io/m:v1", registry.address() + "/m:v1");
  const auto image = pull(store_, registry.address() + "/m:v1", options());
  ASSERT_TRUE(image.ok()) << image.error().message();
  EXPECT_EQ(image->kind, ImageKind::kWasm);
  EXPECT_EQ(image->manifest_digest, made->manifest_digest);
  const auto module = open_module(store_, *image, built_helper());
  ASSERT_TRUE(module.ok());
  EXPECT_EQ(sys::read_all(module->get(), 100).value_or(""), component());
}

TEST_F(PullRegistry, TlsAndBasicAuthentication) {
  must_run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", "/CN=duet test", "-addext",
            "subjectAltName=IP:127.0.0.1", "-keyout", folder_ / "key.pem", "-out",
            folder_ / "ca.pem"});
  ASSERT_TRUE(sys::write_file(folder_ / "htpasswd", kHtpasswd).ok());
  const Registry registry(
      folder_.path(),
      "  tls:\n    certificate: " + (folder_ / "ca.pem") + "\n    key: " + (folder_ / "key.pem") +
          "\nauth:\n  htpasswd:\n    realm: r\n    path: " + (folder_ / "htpasswd") + "\n");
  make_container_layout(folder_ / "layout");
  push((folder_ / "layout") + ":app", registry.address() + "/app:v1", "duet:secret");
  const std::string name = registry.address() + "/app:v1";
  PullOptions with = options();
  const auto untrusted = pull(store_, name, with);
  ASSERT_FALSE(untrusted.ok());
  EXPECT_EQ(untrusted.error().code(), ErrorCode::kPermission) << untrusted.error().message();
  with.ca_file = folder_ / "ca.pem";
  const auto anonymous = pull(store_, name, with);
  EXPECT_EQ(anonymous.error().code(), ErrorCode::kPermission) << anonymous.error().message();
  with.auth_configs = {R"({"auths":{")" + registry.address() +
                       R"(":{"username":"duet","password":"wrong"}}})"};
  const auto wrong = pull(store_, name, with);
  EXPECT_EQ(wrong.error().code(), ErrorCode::kPermission) << wrong.error().message();
  with.auth_configs.clear();
  with.auth_file = folder_ / "auth.json";
  EXPECT_EQ(pull(store_, name, with).error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(
      sys::write_file(with.auth_file,
                      R"({"auths":{")" + registry.address() + R"(":{"auth":"ZHVldDpzZWNyZXQ="}}})",
                      0600)
          .ok());
  const auto image = pull(store_, name, with);
  ASSERT_TRUE(image.ok()) << image.error().message();
  with.plain_http_registries = {registry.address()};
  EXPECT_FALSE(pull(store_, name, with).ok());
}

TEST_F(PullRegistry, TakesThisMachinesPlatform) {
  const Registry registry(folder_.path(), "");
  make_container_layout(folder_ / "layout");
  must_run({"umoci", "tag", "--image", (folder_ / "layout") + ":app", "other"});
  must_run(
      {"umoci", "config", "--image", (folder_ / "layout") + ":other", "--architecture", "s390x"});
  // One index of both, made from what the layout records.
  auto whole = parse_index(sys::read_file(folder_ / "layout/index.json", 1 << 20).value_or(""));
  ASSERT_TRUE(whole.ok());
  ASSERT_EQ(whole->entries.size(), 2U);
  for (auto& entry : whole->entries) {
    const bool ours = entry.descriptor.annotations.at(std::string(kRefNameAnnotation)) == "app";
    entry.platform = ours ? host_platform() : Platform{"linux", "s390x", ""};
    entry.descriptor.annotations.clear();
  }
  auto both = open_store(folder_ / "layout");
  const auto target = both.put_blob(std::string(kOciIndex), index_json(*whole));
  ASSERT_TRUE(target.ok() && both.set_name("h.io/both:v1", *target).ok());
  must_run({"skopeo", "copy", "--all", "--dest-tls-verify=false",
            "oci:" + (folder_ / "layout") + ":h.io/both:v1",
            "docker://" + registry.address() + "/both:v1"});
  const auto image = pull(store_, registry.address() + "/both:v1", options());
  ASSERT_TRUE(image.ok()) << image.error().message();
  EXPECT_EQ(image->target_digest, target->digest);
  EXPECT_EQ(image->platform.architecture, host_platform().architecture);
  EXPECT_NE(must_run({"skopeo", "inspect", "oci:" + store_.path() + ":" + image->name}), "");
  EXPECT_EQ(pull(store_, registry.address() + "/both:v1",
                 {.helper = built_helper(), .wanted = Wanted::kWasm})
                .error()
                .code(),
            ErrorCode::kNotFound);
  EXPECT_TRUE(store_.resolve(image->name).ok());
}

}  // namespace
}  // namespace duet::oci
