#include "gateway/gateway_strict_fixture_test.h"

#include <sys/socket.h>

#include <algorithm>

#include "sys/file.h"

namespace duet::gateway {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";

// The number after `name` in `head`, or `otherwise`.
std::size_t number_after(std::string_view head, std::string_view name, int base,
                         std::size_t otherwise) {
  const std::size_t at = head.find(name);
  return at == std::string_view::npos
             ? otherwise
             : std::stoul(std::string(head.substr(at + name.size(), 20)), nullptr, base);
}

// The size of the chunked body at the start of `text`; 0: it is not whole yet.
std::size_t chunked_size(std::string_view text) {
  std::size_t at = 0;
  for (;;) {
    const std::size_t line_end = text.find("\r\n", at);
    if (line_end == std::string_view::npos) {
      return 0;
    }
    const std::size_t size = std::stoul(std::string(text.substr(at, line_end - at)), nullptr, 16);
    if (size == 0) {
      const std::size_t end = text.find(kHeadEnd, line_end);
      return end == std::string_view::npos ? 0 : end + kHeadEnd.size();
    }
    at = line_end + 2 + size + 2;
    if (at > text.size()) {
      return 0;
    }
  }
}

// The size of the message at the start of `text`; 0: it is not whole yet.
std::size_t message_size(std::string_view text) {
  const std::size_t end = text.find(kHeadEnd);
  if (end == std::string_view::npos) {
    return 0;
  }
  const std::string_view head = text.substr(0, end + 2);
  const std::size_t body_at = end + kHeadEnd.size();
  if (head.find("\r\nTransfer-Encoding: chunked\r\n") != std::string_view::npos) {
    const std::size_t body = chunked_size(text.substr(body_at));
    return body == 0 ? 0 : body_at + body;
  }
  const std::size_t size = body_at + number_after(head, "\r\nContent-Length: ", 10, 0);
  return size <= text.size() ? size : 0;
}

}  // namespace

void RecordingServer::add(std::string message) {
  const std::lock_guard lock(mutex_);
  messages_.push_back(std::move(message));
  changed_.notify_all();
}

void RecordingServer::serve(int fd) {
  std::string got;
  char bytes[16 << 10];
  for (;;) {
    const ssize_t size = recv(fd, bytes, sizeof(bytes), 0);
    if (size <= 0) {
      break;
    }
    got.append(bytes, static_cast<std::size_t>(size));
    while (const std::size_t whole = message_size(got)) {
      add(got.substr(0, whole));
      got.erase(0, whole);
      if (!net::send_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").ok()) {
        return;
      }
    }
  }
  if (!got.empty()) {
    add("partial: " + got);
  }
}

std::vector<std::string> RecordingServer::take(std::size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(kTestTimeoutMs),
                    [&] { return messages_.size() >= count; });
  return std::exchange(messages_, {});
}

std::vector<int> read_statuses(std::string_view text) {
  std::vector<int> statuses;
  while (!text.empty()) {
    const bool begins = text.starts_with("HTTP/1.1 ") && text.size() > 12;
    const int status = begins ? std::stoi(std::string(text.substr(9, 3))) : 0;
    const bool bodyless = status < 200 || status == 204 || status == 304;
    const std::size_t size = !begins    ? 0
                             : bodyless ? text.find(kHeadEnd) + kHeadEnd.size()
                                        : message_size(text);
    statuses.push_back(size == 0 ? -1 : status);
    text.remove_prefix(size == 0 ? text.size() : size);
  }
  return statuses;
}

void StrictTest::SetUp() {
  GatewayTest::SetUp();
  RouteTable table;
  table.routes = {{.name = "all",
                   .rules = {{.matches = {{.path = {PathMatch::Type::kPrefix, "/sentinel"}}},
                              .backends = {{.backend = "static"}}},
                             {.backends = {{.backend = "recorder"}}}}}};
  table.backends = {{"static", StaticBackend{.status = 200, .body = "ok"}},
                    {"recorder", ProxyBackend{.endpoints = {{"127.0.0.1", server_.port()}}}}};
  set_table(std::move(table));
}

StrictTest::Seen StrictTest::send(const std::string& text, std::size_t passed) {
  auto socket = net::connect_tcp(*net::make_address("127.0.0.1", port_), kTestTimeoutMs);
  EXPECT_TRUE(socket.ok());
  // The gateway may have refused and closed before it was given everything.
  static_cast<void>(net::send_all(socket->get(), text));
  shutdown(socket->get(), SHUT_WR);
  const auto answers = sys::read_all(socket->get(), 1 << 20);
  EXPECT_TRUE(answers.ok()) << answers.error().message();
  Seen seen{.statuses = read_statuses(answers.value_or("broken"))};
  seen.passed = server_.take(passed);
  return seen;
}

void StrictTest::expect(std::span<const StrictCase> cases) {
  for (const StrictCase& one : cases) {
    SCOPED_TRACE(std::string("RFC ") + one.section + ": " + one.name);
    const Seen seen = send(one.text, one.passed.size());
    EXPECT_EQ(seen.statuses, one.statuses);
    EXPECT_EQ(seen.passed, one.passed);
  }
  const std::vector<std::string> logged = lines();
  std::size_t at = 0;
  for (const StrictCase& one : cases) {
    for (const int status : one.statuses) {
      SCOPED_TRACE(std::string("RFC ") + one.section + ": " + one.name);
      if (status < 200) {
        continue;
      }
      ASSERT_LT(at, logged.size());
      const std::string& line = logged[at++];
      EXPECT_NE(line.find("\"status\":" + std::to_string(status)), std::string::npos) << line;
      const bool refusal = line.find("\"reason\":\"BadRequest\"") != std::string::npos;
      EXPECT_EQ(refusal, status >= 400 && status != 404) << line;
    }
  }
  EXPECT_EQ(at, logged.size());
}

// A request after the others: when its line is there, theirs are.
std::vector<std::string> StrictTest::lines() {
  EXPECT_EQ(ask({.target = "/sentinel"}).status, 200);
  std::size_t sentinel = std::string::npos;
  while (log_text_.find('\n', sentinel) == std::string::npos) {
    const std::string more = log_lines();
    log_text_ += more;
    sentinel = log_text_.find("\"path\":\"/sentinel\"");
    if (more == "nothing was logged") {
      return {more};
    }
  }
  std::vector<std::string> lines;
  std::size_t at = 0;
  for (;;) {
    const std::size_t end = log_text_.find('\n', at);
    if (end > sentinel) {
      log_text_.erase(0, end == std::string::npos ? end : end + 1);
      return lines;
    }
    lines.push_back(log_text_.substr(at, end - at));
    at = end + 1;
  }
}

std::string passed(const std::string& line, const std::string& host, const std::string& fields,
                   const std::string& rest) {
  return line + " HTTP/1.1\r\nHost: " + host + "\r\n" + fields +
         "x-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\n" +
         (host.empty() ? "" : "x-forwarded-host: " + host + "\r\n") + "Via: 1.1 duet\r\n" + rest;
}

std::string probe() { return "GET /probe HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n"; }
std::string probe_passed() { return passed("GET /probe", "probe"); }

StrictCase refused(const char* section, const char* name, const std::string& text, int status) {
  return {section, name, text + probe(), {status}, {}};
}

StrictCase taken(const char* section, const char* name, const std::string& text,
                 std::vector<std::string> passed) {
  passed.push_back(probe_passed());
  std::vector<int> statuses(passed.size(), 200);
  return {section, name, text + probe(), std::move(statuses), std::move(passed)};
}

// Behind a good request, so that the server's connection is there and nothing waits.
StrictCase broken_off(const char* section, const char* name, const std::string& text,
                      const std::string& begun) {
  return {section,
          name,
          "GET /first HTTP/1.1\r\nHost: a\r\n\r\n" + text + probe(),
          {200, 400},
          {passed("GET /first", "a"), "partial: " + begun}};
}

}  // namespace duet::gateway
