#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "oci/digest.h"
#include "oci/fixture_test.h"
#include "oci/http_server_test.h"
#include "oci/manifest.h"
#include "oci/module.h"
#include "oci/puller.h"
#include "sys/file.h"

namespace duet::oci {
namespace {

using Answer = HttpServer::Answer;
using Request = HttpServer::Request;

// A Wasm artifact as a registry serves it.
struct Artifact {
  std::string module = core_module() + std::string(200'000, 'm');
  std::string config = R"({"architecture":"wasm","os":"wasip1"})";
  std::string manifest =
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":)" +
      descriptor("application/vnd.wasm.config.v0+json", config) + R"(,"layers":[)" +
      descriptor("application/wasm", module) + "]}";

  static std::string descriptor(const std::string& type, const std::string& content) {
    return R"({"mediaType":")" + type + R"(","digest":")" + digest_of(content) + R"(","size":)" +
           std::to_string(content.size()) + "}";
  }

  Answer serve(const Request& request) const {
    if (request.path.find("/manifests/") != std::string::npos) {
      return {.headers = {"Content-Type: " + std::string(kOciManifest)}, .body = manifest};
    }
    if (request.path.ends_with(digest_of(config))) {
      return {.body = config};
    }
    if (request.path.ends_with(digest_of(module))) {
      const size_t range = request.head.find("range: bytes=");
      if (range == std::string::npos) {
        return {.body = module};
      }
      const size_t from = std::stoul(request.head.substr(range + 13));
      return {.status = 206,
              .headers = {"Content-Range: bytes " + std::to_string(from) + "-" +
                          std::to_string(module.size() - 1) + "/" + std::to_string(module.size())},
              .body = module.substr(from)};
    }
    return {.status = 404, .body = R"({"errors":[{"code":"BLOB_UNKNOWN","message":"no"}]})"};
  }
  bool is_module(const Request& request) const { return request.path.ends_with(digest_of(module)); }
};

class PullFaults : public ::testing::Test {
 protected:
  static PullOptions options() {
    return {
        .helper = built_helper(), .stall_timeout_ms = 1000, .attempt_limit = 3, .backoff_ms = 1};
  }
  Result<Image> pull_from(const HttpServer& server, const PullOptions& with = options()) {
    return pull(store_, server.address() + "/a/b:v1", with);
  }
  void expect(const Result<Image>& result, ErrorCode code, const std::string& words) {
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code(), code) << result.error().message();
    EXPECT_NE(result.error().message().find(words), std::string::npos) << result.error().message();
    EXPECT_EQ(store_.list()->size(), 0U);
  }

  TemporaryFolder folder_;
  ContentStore store_ = open_store(folder_ / "images");
  Artifact artifact_;
};

TEST_F(PullFaults, AWholeArtifactArrives) {
  HttpServer server([&](const Request& request) { return artifact_.serve(request); });
  const auto image = pull_from(server);
  ASSERT_TRUE(image.ok()) << image.error().message();
  EXPECT_EQ(image->name, server.address() + "/a/b:v1");
  EXPECT_EQ(image->manifest_digest, digest_of(artifact_.manifest));
  EXPECT_EQ(sys::list_directory(store_.path() + "/ingest")->size(), 0U);
  const size_t before = server.requests().size();
  EXPECT_TRUE(pull_from(server).ok());
  for (size_t i = before; i < server.requests().size(); ++i) {
    EXPECT_FALSE(artifact_.is_module(server.requests()[i])) << "brought a blob that was there";
  }
}

TEST_F(PullFaults, WrongDigest) {
  HttpServer server([&](const Request& request) {
    Answer answer = artifact_.serve(request);
    if (artifact_.is_module(request)) {
      answer.body[100] ^= 1;
    }
    return answer;
  });
  expect(pull_from(server), ErrorCode::kCorrupt, "wrong digest");
}

TEST_F(PullFaults, TruncatedAndTooLong) {
  HttpServer truncated([&](const Request& request) {
    Answer answer = artifact_.serve(request);
    if (artifact_.is_module(request)) {
      answer = {.body = artifact_.module.substr(0, 1000)};
    }
    return answer;
  });
  expect(pull_from(truncated), ErrorCode::kCorrupt, "truncated: 1000 of 200008");
  HttpServer longer([&](const Request& request) {
    Answer answer = artifact_.serve(request);
    answer.body += artifact_.is_module(request) ? "more" : "";
    return answer;
  });
  expect(pull_from(longer), ErrorCode::kCorrupt, "larger than");
}

TEST_F(PullFaults, ALostConnectionIsTakenUpWhereItBroke) {
  std::atomic<int> broken = 0;
  HttpServer server([&](const Request& request) {
    Answer answer = artifact_.serve(request);
    if (artifact_.is_module(request) && broken++ < 2) {
      answer.cut_after_bytes = 60'000;
    }
    return answer;
  });
  ASSERT_TRUE(pull_from(server).ok());
  EXPECT_NE(server.requests().back().head.find("range: bytes=120000-"), std::string::npos);
}

TEST_F(PullFaults, ALaterPullGoesOnToo) {
  std::atomic<bool> broken = true;
  HttpServer server([&](const Request& request) {
    Answer answer = artifact_.serve(request);
    if (artifact_.is_module(request) && broken) {
      answer.cut_after_bytes = 60'000;
    }
    return answer;
  });
  PullOptions once = options();
  once.attempt_limit = 1;
  expect(pull_from(server, once), ErrorCode::kUnavailable, "blob");
  struct stat info{};
  const auto left = sys::list_directory(store_.path() + "/ingest");
  ASSERT_EQ(left->size(), 2U);
  const std::string partial = store_.path() + "/ingest/" + left->at(0) + "/blobs/sha256/" +
                              std::string(digest_hex(digest_of(artifact_.module))) + ".partial";
  ASSERT_EQ(::stat(partial.c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 65534U);
  EXPECT_EQ(info.st_size, 60'000);
  broken = false;
  ASSERT_TRUE(pull_from(server, once).ok());
  EXPECT_NE(server.requests().back().head.find("range: bytes=60000-"), std::string::npos);
  EXPECT_EQ(sys::list_directory(store_.path() + "/ingest")->size(), 0U);
}

TEST_F(PullFaults, AbandonedDownloadsAreCollected) {
  HttpServer server([&](const Request& request) {
    Answer answer = artifact_.serve(request);
    answer.cut_after_bytes = artifact_.is_module(request) ? 10 : std::string::npos;
    return answer;
  });
  EXPECT_FALSE(pull_from(server).ok());
  const auto now = std::chrono::system_clock::now();
  EXPECT_EQ(store_.collect_garbage({}, now)->downloads_removed, 0);
  EXPECT_EQ(store_.collect_garbage({}, now + 2 * kDownloadRetention)->downloads_removed, 1);
  EXPECT_EQ(sys::list_directory(store_.path() + "/ingest")->size(), 0U);
}

TEST_F(PullFaults, BusyRegistriesAreAskedAgain) {
  std::atomic<int> asked = 0;
  HttpServer server([&](const Request& request) -> Answer {
    const int turn = asked++;
    if (turn == 0) {
      return {.status = 503};
    }
    return turn == 1 ? Answer{.status = 429, .headers = {"Retry-After: 0"}}
                     : artifact_.serve(request);
  });
  std::vector<std::string> notes;
  const auto image =
      pull(store_, server.address() + "/a/b:v1", options(), [&](const PullProgress& progress) {
        if (!progress.message.empty()) {
          notes.push_back(progress.message);
        }
      });
  ASSERT_TRUE(image.ok()) << image.error().message();
  ASSERT_EQ(notes.size(), 2U);
  EXPECT_NE(notes[0].find("503"), std::string::npos);
}

TEST_F(PullFaults, RegistriesThatAreNotThere) {
  HttpServer broken([](const Request&) { return Answer{.status = 500}; });
  expect(pull_from(broken), ErrorCode::kUnavailable, "HTTP 500");
  EXPECT_EQ(broken.requests().size(), 3U);
  std::string gone;
  {
    const HttpServer server([](const Request&) { return Answer{}; });
    gone = server.address();
  }
  expect(pull(store_, gone + "/a:v1", options()), ErrorCode::kUnavailable, gone);
  HttpServer silent([](const Request&) { return Answer{.stall = true}; });
  PullOptions once = options();
  once.attempt_limit = 1;
  expect(pull_from(silent, once), ErrorCode::kTimeout, "");
  HttpServer empty([](const Request&) {
    return Answer{.status = 404,
                  .body = R"({"errors":[{"code":"MANIFEST_UNKNOWN","message":"unknown"}]})"};
  });
  expect(pull_from(empty), ErrorCode::kNotFound, "MANIFEST_UNKNOWN");
}

TEST_F(PullFaults, ManifestsThatAreNone) {
  HttpServer page(
      [](const Request&) { return Answer{.headers = {"Content-Type: text/html"}, .body = "{}"}; });
  expect(pull_from(page), ErrorCode::kUnsupported, "text/html");
  HttpServer junk([](const Request&) {
    return Answer{.headers = {"Content-Type: " + std::string(kOciManifest)}, .body = "{nonsense"};
  });
  expect(pull_from(junk), ErrorCode::kCorrupt, "not valid JSON");
  HttpServer huge([](const Request&) { return Answer{.body = std::string(5 << 20, ' ')}; });
  expect(pull_from(huge), ErrorCode::kExhausted, "larger than");
}

TEST_F(PullFaults, ImagesLargerThanTheLimit) {
  HttpServer server([&](const Request& request) { return artifact_.serve(request); });
  PullOptions small = options();
  small.size_limit_bytes = 100'000;
  expect(pull_from(server, small), ErrorCode::kExhausted, "100000");
}

TEST_F(PullFaults, ADigestInTheNameMustBeMet) {
  HttpServer server([&](const Request& request) { return artifact_.serve(request); });
  const std::string name = server.address() + "/a/b@";
  expect(pull(store_, name + digest_of("other"), options()), ErrorCode::kCorrupt, "wrong digest");
  EXPECT_TRUE(pull(store_, name + digest_of(artifact_.manifest), options()).ok());
}

TEST_F(PullFaults, TokensComeFromTheRealmAndStayAtTheRegistry) {
  HttpServer storage([&](const Request& request) { return artifact_.serve(request); });
  std::atomic<HttpServer*> self = nullptr;
  HttpServer server([&](const Request& request) -> Answer {
    if (request.path.starts_with("/token?service=reg&scope=repository%3Aa%2Fb%3Apull")) {
      // base64 of user:word
      return request.head.find("authorization: basic dxnlcjp3b3jk") != std::string::npos
                 ? Answer{.body = R"({"token":"t0k"})"}
                 : Answer{.status = 401};
    }
    if (request.head.find("authorization: bearer t0k") == std::string::npos) {
      return {.status = 401,
              .headers = {"WWW-Authenticate: Bearer realm=\"http://" + self.load()->address() +
                          "/token\",service=\"reg\",scope=\"repository:a/b:pull\""}};
    }
    if (request.path.find("/blobs/") != std::string::npos) {
      return {.status = 307, .headers = {"Location: http://" + storage.address() + request.path}};
    }
    return artifact_.serve(request);
  });
  self = &server;
  expect(pull_from(server), ErrorCode::kPermission, "401");
  PullOptions with = options();
  with.auth_configs = {R"({"auths":{")" + server.address() +
                       R"(":{"username":"user","password":"word"}}})"};
  const auto image = pull_from(server, with);
  ASSERT_TRUE(image.ok()) << image.error().message();
  ASSERT_EQ(storage.requests().size(), 2U);
  for (const auto& request : storage.requests()) {
    EXPECT_EQ(request.head.find("authorization"), std::string::npos);
  }
}

TEST_F(PullFaults, StopEndsAPull) {
  std::stop_source source;
  HttpServer server([&](const Request&) {
    source.request_stop();
    return Answer{.stall = true};
  });
  const auto image = pull(store_, server.address() + "/a/b:v1", options(), {}, source.get_token());
  expect(image, ErrorCode::kUnavailable, "stopped");
}

TEST_F(PullFaults, PullsAtTheSameTimeAreSafe) {
  HttpServer server([&](const Request& request) { return artifact_.serve(request); });
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      auto mine = open_store(store_.path());
      const std::string tag = i < 2 ? "same" : std::to_string(i);
      EXPECT_TRUE(pull(mine, server.address() + "/a/b:" + tag, options()).ok());
      EXPECT_TRUE(mine.collect_garbage({}, std::chrono::system_clock::now()).ok());
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  const auto listed = store_.list();
  ASSERT_TRUE(listed.ok());
  EXPECT_EQ(listed->size(), 3U);
  for (const auto& summary : *listed) {
    EXPECT_EQ(summary.problem, "");
  }
}

TEST_F(PullFaults, AnotherHelperUserStartsAnew) {
  std::atomic<bool> broken = true;
  HttpServer server([&](const Request& request) {
    Answer answer = artifact_.serve(request);
    answer.cut_after_bytes = artifact_.is_module(request) && broken ? 10 : std::string::npos;
    return answer;
  });
  EXPECT_FALSE(pull_from(server).ok());
  broken = false;
  PullOptions with = options();
  with.helper.uid = 65533;
  const auto image = pull_from(server, with);
  EXPECT_TRUE(image.ok()) << image.error().message();
}

TEST_F(PullFaults, LoopbackNeedsNoProxy) {
  HttpServer server([&](const Request& request) { return artifact_.serve(request); });
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  ::setenv("https_proxy", "http://127.0.0.1:1", 1);
  const auto image = pull_from(server);
  ::unsetenv("http_proxy");
  ::unsetenv("https_proxy");
  EXPECT_TRUE(image.ok()) << image.error().message();
}

TEST_F(PullFaults, MissingHelperIsSaid) {
  PullOptions with = options();
  with.helper.program = "/no/such/duet-pull";
  expect(pull(store_, "127.0.0.1:1/a", with), ErrorCode::kNotFound, "/no/such/duet-pull");
}

}  // namespace
}  // namespace duet::oci
