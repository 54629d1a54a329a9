#include <gtest/gtest.h>

#include "kubelet/kubelet_fixture.h"
#include "kubelet/processes_for_test.h"
#include "kubelet/spdy_client_for_test.h"
#include "kubelet/spdy_connection.h"
#include "monitor/wire.h"

// exec, attach and portForward by SPDY, as an API server asks for them.
namespace duet::kubelet {
namespace {

using Json = cluster::Json;
using monitor::MessageType;

class StreamingTest : public KubeletTest {
 protected:
  using Client = SpdyClientForTest<net::TlsClientForTest>;

  pod::Pods& pods() override { return processes_; }

  void SetUp() override {
    KubeletTest::SetUp();
    make_pod("web");
  }

  // Upgrades a connection to `target`.
  void upgrade(const std::string& target, const std::string& protocol = "v4.channel.k8s.io") {
    transport_.emplace(port_, admin());
    transport_->write("POST " + target +
                      " HTTP/1.1\r\nHost: node\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
                      "X-Stream-Protocol-Version: " +
                      protocol + "\r\nContent-Length: 0\r\n\r\n");
    const std::string head = transport_->read_until("\r\n\r\n");
    ASSERT_TRUE(head.starts_with("HTTP/1.1 101 ")) << head;
    EXPECT_NE(head.find("Upgrade: SPDY/3.1\r\n"), std::string::npos);
    EXPECT_NE(head.find("X-Stream-Protocol-Version: " + protocol.substr(0, protocol.find(','))),
              std::string::npos);
    client_.emplace(*transport_);
  }
  std::uint32_t open(const std::string& type) {
    const std::uint32_t stream = client_->open({{"streamtype", type}});
    client_->expect_accepted(stream);
    return stream;
  }
  // What the server sends until it ends, by stream; each must be finished.
  std::map<std::uint32_t, std::string> read_to_the_end() {
    std::map<std::uint32_t, std::string> out;
    std::set<std::uint32_t> finished;
    bool said_goodbye = false;
    for (auto got = client_->next(); !got.over; got = client_->next()) {
      if (got.type == SpdyType::kData) {
        out[got.stream] += got.payload;
        if (got.last) {
          finished.insert(got.stream);
        }
      }
      said_goodbye |= got.type == SpdyType::kGoAway;
    }
    EXPECT_TRUE(said_goodbye);
    EXPECT_EQ(finished.size(), out.size());
    return out;
  }
  int status_of(const std::string& target, const std::string& fields, std::string* body = nullptr) {
    const Answer answer = send("POST", target, admin(), fields + "Content-Length: 0\r\n");
    if (body != nullptr) {
      *body = answer.body;
    }
    return answer.status;
  }

  ProcessesForTest processes_;
  std::optional<net::TlsClientForTest> transport_;
  std::optional<Client> client_;
};

TEST_F(StreamingTest, ExecCarriesItsStreamsAndTheExitCode) {
  upgrade("/exec/default/web/main?command=cat&command=-n&input=1&output=1&error=1");
  const auto error = open("error");
  const auto in = open("stdin");
  const auto out = open("stdout");
  open("stderr");
  EXPECT_EQ(processes_.executed.command, (std::vector<std::string>{"cat", "-n"}));
  EXPECT_TRUE(processes_.executed.stdin_open);
  EXPECT_FALSE(processes_.executed.tty);

  client_->write(spdy_data(in, "abc", false));
  EXPECT_EQ(processes_.next().fields, "abc");
  client_->write(spdy_data(in, "", true));
  EXPECT_EQ(processes_.next().type, MessageType::kCloseStdin);
  processes_.print("one");
  processes_.print(std::string(10'000, 'x'));
  processes_.exit(3);
  auto got = read_to_the_end();
  EXPECT_EQ(got[out], "one" + std::string(10'000, 'x'));
  const Json status = Json::parse(got[error]);
  EXPECT_EQ(status["reason"], "NonZeroExitCode");
  EXPECT_EQ(status["details"]["causes"][0]["reason"], "ExitCode");
  EXPECT_EQ(status["details"]["causes"][0]["message"], "3");
}

TEST_F(StreamingTest, ATerminalIsResized) {
  const std::string uid = store_->get({object::Kind::kPod, "default", "web"})->uid;
  upgrade("/exec/default/web/" + uid + "/main?command=sh&input=1&output=1&error=1&tty=1");
  open("error");
  open("stdin");
  open("stdout");
  const auto resize = open("resize");
  EXPECT_TRUE(processes_.executed.tty);
  // One that comes in two pieces.
  client_->write(spdy_data(resize, "{\"Width\":100,\"Height\":40}\n{\"Wid", false));
  client_->write(spdy_data(resize, "th\":101,\"Height\":41}\n", false));
  for (const std::uint16_t columns : {100, 101}) {
    const auto got = processes_.next();
    EXPECT_EQ(got.type, MessageType::kResize);
    EXPECT_EQ(monitor::WireReader(got.fields).number<std::uint16_t>(), columns);
  }
}

TEST_F(StreamingTest, AttachEndsWithSuccessWhateverTheExitCode) {
  upgrade("/attach/default/web/main?output=1", "v5.channel.k8s.io, v4.channel.k8s.io");
  // Printed before the client has opened its streams.
  processes_.print("early");
  const auto error = open("error");
  const auto out = open("stdout");
  processes_.exit(3);
  auto got = read_to_the_end();
  EXPECT_EQ(got[out], "early");
  EXPECT_EQ(Json::parse(got[error])["status"], "Success");
}

TEST_F(StreamingTest, AProcessMayEndBeforeTheClientHasOpenedItsStreams) {
  upgrade("/exec/default/web/main?command=true&output=1&error=1");
  processes_.exit(0);
  // The status may come before the answers to the other streams, which come all the same.
  const auto error = client_->open({{"streamtype", "error"}});
  auto got = client_->next();
  EXPECT_EQ(got.type, SpdyType::kSynReply);
  std::string status;
  for (const char* type : {"stdout", "stderr"}) {
    const auto stream = client_->open({{"streamtype", type}});
    for (got = client_->next(); got.type == SpdyType::kData && !got.over; got = client_->next()) {
      status += got.stream == error ? got.payload : "";
    }
    EXPECT_EQ(got.type, SpdyType::kSynReply);
    EXPECT_EQ(got.stream, stream);
  }
  for (got = client_->next(); !got.over; got = client_->next()) {
    status += got.stream == error && got.type == SpdyType::kData ? got.payload : "";
  }
  EXPECT_EQ(Json::parse(status)["status"], "Success");
}

TEST_F(StreamingTest, WhenTheClientLeavesTheSessionEnds) {
  upgrade("/exec/default/web/main?command=cat&input=1&output=1");
  open("error");
  client_.reset();
  transport_.reset();
  EXPECT_EQ(processes_.next().type, MessageType{});
}

TEST_F(StreamingTest, ForeignStreamsAreReset) {
  upgrade("/attach/default/web/main?output=1");
  open("error");
  for (const char* type : {"stdin", "error", "nonsense", ""}) {
    const auto stream = client_->open({{"streamtype", type}});
    const auto got = client_->next();
    EXPECT_EQ(got.type, SpdyType::kRstStream) << type;
    EXPECT_EQ(got.stream, stream);
  }
}

TEST_F(StreamingTest, PingsAreAnsweredAndNonsenseEndsTheSession) {
  upgrade("/attach/default/web/main?output=1");
  client_->write(spdy_ping(2));  // as if it answered one of ours
  client_->write(spdy_ping(7));
  const auto got = client_->next();
  EXPECT_EQ(got.type, SpdyType::kPing);
  EXPECT_EQ(got.number, 7U);
  client_->write("no frame at all, but long enough");
  EXPECT_EQ(processes_.next().type, MessageType{});
}

TEST_F(StreamingTest, NumbersOfStreamsGrowAndAreAClients) {
  for (const std::uint32_t wrong : {1U, 4U}) {
    upgrade("/attach/default/web/main?output=1");
    open("error");
    client_->open_as(wrong, {{"streamtype", "stdout"}});
    EXPECT_EQ(processes_.next().type, MessageType{}) << wrong;
  }
}

TEST_F(StreamingTest, WhatCannotBeServedStartsNothing) {
  const std::string target = "/exec/default/web/main?command=ls&output=1";
  const std::string spdy = "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n";
  const std::string v4 = "X-Stream-Protocol-Version: v4.channel.k8s.io\r\n";
  EXPECT_EQ(status_of(target, ""), 400);
  EXPECT_EQ(status_of(target, "Connection: Upgrade\r\nUpgrade: other\r\n" + v4), 400);
  EXPECT_EQ(status_of(target, spdy), 403);
  EXPECT_EQ(status_of(target, spdy + "X-Stream-Protocol-Version: channel.k8s.io\r\n"), 403);
  EXPECT_EQ(status_of("/exec/default/web/main?command=ls", spdy + v4), 400);
  EXPECT_EQ(status_of("/exec/default/none/main?command=ls&output=1", spdy + v4), 404);
  EXPECT_EQ(status_of("/exec/default/web/other-uid/main?command=ls&output=1", spdy + v4), 404);
  EXPECT_TRUE(processes_.executed.command.empty());
  std::string body;
  EXPECT_EQ(status_of("/exec/default/web/handler?command=ls&output=1", spdy + v4, &body), 400);
  // A text would be read as YAML by API servers that carry streams on, and have no message then.
  const auto status = cluster::Json::parse(body, nullptr, false);
  EXPECT_EQ(cluster::text_of(status, "kind"), "Status");
  EXPECT_EQ(cluster::text_of(status, "status"), "Failure");
  EXPECT_EQ(cluster::text_of(status, "message"), "it owns no process to enter");
}

class ForwardingTest : public StreamingTest {
 protected:
  struct Streams {
    std::uint32_t data = 0;
    std::uint32_t error = 0;
  };
  Streams forward(const std::string& port, const std::string& id) {
    Streams out;
    out.error = client_->open({{"streamtype", "error"}, {"port", port}, {"requestid", id}});
    client_->expect_accepted(out.error);
    client_->write(spdy_data(out.error, "", true));
    out.data = client_->open({{"streamtype", "data"}, {"port", port}, {"requestid", id}});
    client_->expect_accepted(out.data);
    return out;
  }
  std::string read_port(std::size_t size) {
    std::string got(size, '\0');
    std::size_t at = 0;
    while (at < size) {
      const ssize_t more = recv(processes_.port().get(), &got[at], size - at, 0);
      if (more <= 0) {
        break;
      }
      at += static_cast<std::size_t>(more);
    }
    got.resize(at);
    return got;
  }
};

TEST_F(ForwardingTest, BytesGoBothWaysUntilBothHaveEnded) {
  upgrade("/portForward/default/web", "portforward.k8s.io");
  const Streams streams = forward("80", "0");
  client_->write(spdy_data(streams.data, "ping", true));
  EXPECT_EQ(read_port(10), "ping");  // with its end
  ASSERT_TRUE(sys::write_all(processes_.port().get(), "pong").ok());
  EXPECT_EQ(client_->next().payload, "pong");
  processes_.port().reset();
  for (const std::uint32_t stream : {streams.data, streams.error}) {
    const auto got = client_->next();
    EXPECT_EQ(got.stream, stream);
    EXPECT_TRUE(got.last);
    EXPECT_EQ(got.payload, "");
  }
  // And another one on the same connection.
  processes_.next_port();
  const Streams more = forward("80", "1");
  client_->write(spdy_data(more.data, "again", false));
  EXPECT_EQ(read_port(5), "again");
}

TEST_F(ForwardingTest, APortThatNobodyListensOnIsSaid) {
  upgrade("/portForward/default/web", "portforward.k8s.io");
  const Streams streams = forward("81", "0");
  const auto said = client_->next();
  EXPECT_EQ(said.stream, streams.error);
  EXPECT_EQ(said.payload, "port 81: nobody listens");
}

TEST_F(ForwardingTest, AClientThatGivesUpEndsTheConnection) {
  upgrade("/portForward/default/web", "portforward.k8s.io");
  const Streams streams = forward("80", "0");
  client_->write(spdy_data(streams.data, "a", false));
  EXPECT_EQ(read_port(1), "a");
  client_->write(spdy_rst_stream(streams.data, SpdyReset::kCancel));
  EXPECT_EQ(read_port(1), "");
  processes_.next_port();
  const Streams more = forward("80", "1");
  client_->write(spdy_data(more.data, "b", false));
  EXPECT_EQ(read_port(1), "b");
  client_.reset();
  transport_.reset();
  EXPECT_EQ(read_port(1), "");
}

TEST_F(ForwardingTest, ForwardedConnectionsAreBounded) {
  upgrade("/portForward/default/web", "portforward.k8s.io");
  const auto open_next = [&](std::size_t id) {
    client_->open({{"streamtype", "error"}, {"port", "80"}, {"requestid", std::to_string(id)}});
    return client_->next();
  };
  for (std::size_t id = 0; id < 100; ++id) {
    ASSERT_EQ(open_next(id).type, SpdyType::kSynReply);
  }
  const auto refused = open_next(100);
  EXPECT_EQ(refused.type, SpdyType::kRstStream);
  EXPECT_EQ(refused.number, static_cast<std::uint32_t>(SpdyReset::kRefused));
}

TEST_F(ForwardingTest, StreamsWithoutPortOrRequestAreReset) {
  upgrade("/portForward/default/web", "portforward.k8s.io");
  for (const net::FieldList& fields :
       {net::FieldList{{"streamtype", "data"}, {"port", "80"}},
        net::FieldList{{"streamtype", "data"}, {"port", "0"}, {"requestid", "1"}},
        net::FieldList{{"streamtype", "data"}, {"port", "70000"}, {"requestid", "1"}},
        net::FieldList{{"streamtype", "other"}, {"port", "80"}, {"requestid", "1"}}}) {
    client_->open(fields);
    EXPECT_EQ(client_->next().type, SpdyType::kRstStream);
  }
}

}  // namespace
}  // namespace duet::kubelet
