#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/gateway_tls_fixture_test.h"
#include "sys/file.h"

// Static files, from the socket to the file system.
namespace duet::gateway {
namespace {

class FilesTest : public TlsGatewayTest {
 protected:
  void SetUp() override {
    TlsGatewayTest::SetUp();
    root_ = directory_ + "/served";
    write("index.html", "<p>start");
    write("docs/index.html", "<p>docs");
    write("docs/a b.txt", "spaces");
    write("ten", "0123456789");
    write("empty", "");
    ASSERT_TRUE(sys::write_file(directory_ + "/secret", "secret").ok());
    serve_folder();
  }
  void write(const std::string& path, const std::string& content) const {
    const std::string whole = root_ + "/" + path;
    ASSERT_TRUE(sys::make_directories(whole.substr(0, whole.rfind('/'))).ok());
    ASSERT_TRUE(sys::write_file(whole, content).ok());
  }
  void serve_folder(const std::string& path = "") {
    const sys::Fd folder = std::move(*sys::open_file(root_, O_PATH | O_DIRECTORY));
    ASSERT_TRUE(control_->add_folder("www", folder.get()).ok());
    serve(BackendConfig{"files", FilesBackend{.folder = "www", .path = path}});
  }
  // The request line and fields as they are given.
  std::string get(const std::string& path, const std::string& fields = "",
                  const std::string& method = "GET") const {
    return raw(method + " " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + fields +
               "\r\n");
  }
  static std::string value_of(const std::string& answer, const std::string& name) {
    const std::size_t at = answer.find("\r\n" + name + ": ");
    return at == std::string::npos
               ? ""
               : answer.substr(at + name.size() + 4,
                               answer.find("\r\n", at + 2) - at - name.size() - 4);
  }
  static std::string body_of(const std::string& answer) {
    return answer.substr(answer.find("\r\n\r\n") + 4);
  }

  std::string root_;
};

TEST_F(FilesTest, ServesFilesAndFolders) {
  const std::string start = get("/");
  EXPECT_TRUE(start.starts_with("HTTP/1.1 200 ")) << start;
  EXPECT_EQ(body_of(start), "<p>start");
  EXPECT_EQ(value_of(start, "Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(value_of(start, "Content-Length"), "8");
  EXPECT_EQ(value_of(start, "Accept-Ranges"), "bytes");
  EXPECT_TRUE(value_of(start, "Last-Modified").ends_with(" GMT"));
  EXPECT_EQ(body_of(get("/docs/")), "<p>docs");
  EXPECT_EQ(body_of(get("/docs/a%20b.txt?query")), "spaces");
  const std::string empty = get("/empty");
  EXPECT_TRUE(empty.starts_with("HTTP/1.1 200 ")) << empty;
  EXPECT_EQ(value_of(empty, "Content-Length"), "0");
  const std::string moved = get("/docs?q=1");
  EXPECT_TRUE(moved.starts_with("HTTP/1.1 301 ")) << moved;
  EXPECT_EQ(value_of(moved, "Location"), "./docs/?q=1");
  serve_folder("docs");
  EXPECT_EQ(body_of(get("/")), "<p>docs");
}

TEST_F(FilesTest, AnswersHeadAndRefusesOtherMethods) {
  const std::string head = get("/ten", "", "HEAD");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 ")) << head;
  EXPECT_EQ(value_of(head, "Content-Length"), "10");
  EXPECT_EQ(body_of(head), "");
  const std::string post = get("/ten", "Content-Length: 0\r\n", "POST");
  EXPECT_TRUE(post.starts_with("HTTP/1.1 405 ")) << post;
  EXPECT_EQ(value_of(post, "Allow"), "GET, HEAD");
}

TEST_F(FilesTest, SendsNothingThatIsNotInTheFolder) {
  ASSERT_EQ(symlink("../secret", (root_ + "/link").c_str()), 0);
  ASSERT_EQ(symlink("/", (root_ + "/top").c_str()), 0);
  ASSERT_EQ(symlink("ten", (root_ + "/inside").c_str()), 0);
  ASSERT_EQ(mkfifo((root_ + "/pipe").c_str(), 0644), 0);
  write(".hidden", "hidden");
  ASSERT_TRUE(sys::make_directories(root_ + "/none").ok());
  // No route is asked with these.
  EXPECT_TRUE(get("/../secret").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(get("/%2e%2e/secret").starts_with("HTTP/1.1 400 "));
  for (const char* path : {"/docs/..%2f..%2fsecret", "/link", "/top/etc/passwd", "/.hidden",
                           "/pipe", "/missing", "/ten/", "/ten/a", "/none/", "//ten", "/a%00"}) {
    const std::string answer = get(path);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 404 ")) << path << "\n" << answer;
    EXPECT_EQ(answer.find("secret"), std::string::npos);
  }
  EXPECT_NE(log_lines().find("\"reason\":\"FileNotFound\""), std::string::npos);
  EXPECT_EQ(body_of(get("/inside")), "0123456789");
}

TEST_F(FilesTest, AnswersConditionsAndRanges) {
  const std::string etag = value_of(get("/ten"), "ETag");
  const std::string modified = value_of(get("/ten"), "Last-Modified");
  for (const std::string& field : {"If-None-Match: " + etag, "If-Modified-Since: " + modified}) {
    const std::string same = get("/ten", field + "\r\n");
    EXPECT_TRUE(same.starts_with("HTTP/1.1 304 ")) << same;
    EXPECT_EQ(value_of(same, "ETag"), etag);
    EXPECT_EQ(body_of(same), "");
  }
  const std::string part = get("/ten", "Range: bytes=2-4\r\nIf-Range: " + etag + "\r\n");
  EXPECT_TRUE(part.starts_with("HTTP/1.1 206 ")) << part;
  EXPECT_EQ(value_of(part, "Content-Range"), "bytes 2-4/10");
  EXPECT_EQ(value_of(part, "Content-Length"), "3");
  EXPECT_EQ(body_of(part), "234");
  const std::string beyond = get("/ten", "Range: bytes=10-\r\n");
  EXPECT_TRUE(beyond.starts_with("HTTP/1.1 416 ")) << beyond;
  EXPECT_EQ(value_of(beyond, "Content-Range"), "bytes */10");
  EXPECT_EQ(body_of(get("/ten", "Range: bytes=0-1,3-4\r\n")), "0123456789");
  EXPECT_TRUE(get("/ten", "If-Match: \"x\"\r\n").starts_with("HTTP/1.1 412 "));
  write("ten", "9876543210");
  const std::string changed = get("/ten", "Range: bytes=2-4\r\nIf-Range: " + etag + "\r\n");
  EXPECT_TRUE(changed.starts_with("HTTP/1.1 200 ")) << changed;
  EXPECT_EQ(body_of(get("/ten", "If-None-Match: " + etag + "\r\n")), "9876543210");
}

TEST_F(FilesTest, SendsLargeFilesToFastAndSlowClients) {
  std::string large;
  for (int i = 0; large.size() < (6U << 20); ++i) {
    large += std::to_string(i) + "\n";
  }
  write("large", large);
  EXPECT_TRUE(body_of(get("/large")) == large);
  EXPECT_TRUE(run({"curl", "-sS", "--http2-prior-knowledge",
                   "http://127.0.0.1:" + std::to_string(port_) + "/large"}) == large);
  EXPECT_TRUE(curl("a.test", {"-k", "--http1.1"}, "/large") == large);
  const std::string tail = get("/large", "Range: bytes=-100000\r\n");
  EXPECT_TRUE(body_of(tail) == large.substr(large.size() - 100'000));
  // A client that does not read yet holds up nobody.
  auto slow = net::connect_tcp(*net::make_address("127.0.0.1", port_), kTestTimeoutMs);
  ASSERT_TRUE(
      net::send_all(slow->get(), "GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
          .ok());
  EXPECT_EQ(body_of(get("/ten")), "0123456789");
  const auto late = sys::read_all(slow->get(), 64 << 20);
  EXPECT_TRUE(late.ok() && body_of(*late) == large);
}

TEST_F(FilesTest, AFolderThatWasNotSentBreaksNoOtherRoute) {
  RouteTable table = table_to({"files", FilesBackend{.folder = "other"}});
  serve(table);
  EXPECT_EQ(body_of(get("/")), "500 Internal Server Error: FolderNotFound\n");
}

}  // namespace
}  // namespace duet::gateway
