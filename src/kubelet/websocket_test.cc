#include "kubelet/websocket.h"

#include <gtest/gtest.h>

#include "kubelet/kubelet_fixture.h"
#include "kubelet/processes_for_test.h"
#include "kubelet/spdy_client_for_test.h"
#include "kubelet/websocket_client_for_test.h"
#include "monitor/wire.h"

// exec, attach and portForward by WebSocket, as API servers since 1.36 pass them on.
namespace duet::kubelet {
namespace {

using Json = cluster::Json;
using monitor::MessageType;

class WebSocketTest : public KubeletTest {
 protected:
  pod::Pods& pods() override { return processes_; }

  void SetUp() override {
    KubeletTest::SetUp();
    make_pod("web");
  }

  static std::string fields(const std::string& protocol) {
    return "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: " +
           protocol + "\r\n";
  }
  void upgrade(const std::string& target, const std::string& protocol) {
    transport_.emplace(port_, admin());
    transport_->write("GET " + target + " HTTP/1.1\r\nHost: node\r\n" + fields(protocol) + "\r\n");
    const std::string head = transport_->read_until("\r\n\r\n");
    ASSERT_TRUE(head.starts_with("HTTP/1.1 101 ")) << head;
    EXPECT_NE(head.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), std::string::npos);
    EXPECT_NE(head.find("Sec-WebSocket-Protocol: " + protocol), std::string::npos);
    client_.emplace(*transport_);
  }
  void expect_message(const std::string& message) {
    const auto got = client_->next();
    EXPECT_EQ(got.opcode, WebSocketOpcode::kBinary);
    EXPECT_EQ(got.payload, message);
  }

  ProcessesForTest processes_;
  std::optional<net::TlsClientForTest> transport_;
  std::optional<WebSocketClientForTest> client_;
};

TEST_F(WebSocketTest, ExecCarriesItsChannelsAndTheExitCode) {
  upgrade("/exec/default/web/main?command=cat&input=1&output=1&error=1&tty=0", "v5.channel.k8s.io");
  expect_message("\x01");  // the session has begun
  client_->write(std::string("\0abc", 4));
  EXPECT_EQ(processes_.next().fields, "abc");
  client_->write(std::string("\xff\x00", 2));
  EXPECT_EQ(processes_.next().type, MessageType::kCloseStdin);
  processes_.print("one");
  expect_message("\x01one");
  processes_.exit(7);
  const auto status = client_->next();
  ASSERT_FALSE(status.payload.empty());
  EXPECT_EQ(status.payload[0], 3);
  EXPECT_EQ(Json::parse(status.payload.substr(1))["details"]["causes"][0]["message"], "7");
  const auto end = client_->next();
  EXPECT_EQ(end.opcode, WebSocketOpcode::kClose);
  EXPECT_EQ(end.payload, "\x03\xe8");
}

TEST_F(WebSocketTest, TerminalsAreResizedAndOtherChannelsDropped) {
  upgrade("/exec/default/web/main?command=sh&output=1&tty=1", "v4.channel.k8s.io");
  client_->write(std::string("\0not wanted", 11));
  client_->write("\x02nonsense");
  client_->write("");
  client_->write("\x04{\"Width\":100,\"Height\":40}");
  const auto got = processes_.next();
  EXPECT_EQ(got.type, MessageType::kResize);
  EXPECT_EQ(monitor::WireReader(got.fields).number<std::uint16_t>(), 100);
}

TEST_F(WebSocketTest, PingsAreAnsweredBetweenThePartsOfAMessage) {
  upgrade("/attach/default/web/main?input=1&output=1", "v4.channel.k8s.io");
  expect_message("\x01");
  client_->write_frame(WebSocketOpcode::kBinary, std::string("\0ab", 3), false);
  client_->write_frame(WebSocketOpcode::kPing, "still there?");
  client_->write_frame(WebSocketOpcode::kContinuation, "cd");
  const auto pong = client_->next();
  EXPECT_EQ(pong.opcode, WebSocketOpcode::kPong);
  EXPECT_EQ(pong.payload, "still there?");
  EXPECT_EQ(processes_.next().fields, "abcd");
}

TEST_F(WebSocketTest, WhatIsNoWebSocketEndsTheSession) {
  const auto ends_after = [&](WebSocketOpcode opcode, const std::string& payload, bool last) {
    upgrade("/attach/default/web/main?input=1&output=1", "v4.channel.k8s.io");
    client_->write_frame(opcode, payload, last);
    client_->write_frame(opcode, payload, last);
    return processes_.next().type == MessageType{};
  };
  EXPECT_TRUE(ends_after(WebSocketOpcode::kContinuation, "x", true));
  EXPECT_TRUE(ends_after(WebSocketOpcode::kBinary, std::string("\0a", 2), false));
  EXPECT_TRUE(ends_after(WebSocketOpcode::kClose, "", true));
  EXPECT_TRUE(ends_after(static_cast<WebSocketOpcode>(3), "", true));
}

TEST_F(WebSocketTest, WhatCannotBeServedStartsNothing) {
  const std::string target = "/exec/default/web/main?command=ls&output=1";
  const auto status = [&](const std::string& more) {
    return send("GET", target, admin(), more).status;
  };
  EXPECT_EQ(status(fields("channel.k8s.io")), 403);
  std::string old = fields("v4.channel.k8s.io");
  old.replace(old.find("13"), 2, "8");
  EXPECT_EQ(status(old), 426);
  std::string keyless = fields("v4.channel.k8s.io");
  keyless.replace(keyless.find("Sec-WebSocket-Key"), 17, "X-None");
  EXPECT_EQ(status(keyless), 400);
  EXPECT_EQ(send("POST", target, admin(), fields("v4.channel.k8s.io")).status, 400);
  EXPECT_TRUE(processes_.executed.command.empty());
}

TEST_F(WebSocketTest, PortsAreForwardedThroughATunnel) {
  upgrade("/portForward/default/web", "SPDY/3.1+portforward.k8s.io");
  SpdyClientForTest spdy(*client_);
  const auto error = spdy.open({{"streamtype", "error"}, {"port", "80"}, {"requestid", "0"}});
  spdy.expect_accepted(error);
  const auto data = spdy.open({{"streamtype", "data"}, {"port", "80"}, {"requestid", "0"}});
  spdy.expect_accepted(data);
  // One frame in two messages.
  const std::string frame = spdy_data(data, "ping", false);
  client_->write(frame.substr(0, 5));
  client_->write(frame.substr(5));
  char got[4];
  ASSERT_EQ(recv(processes_.port().get(), got, sizeof(got), MSG_WAITALL), 4);
  EXPECT_EQ(std::string(got, 4), "ping");
  ASSERT_TRUE(sys::write_all(processes_.port().get(), "pong").ok());
  EXPECT_EQ(spdy.next().payload, "pong");
}

}  // namespace
}  // namespace duet::kubelet
