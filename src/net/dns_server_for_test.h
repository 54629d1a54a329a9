#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "net/socket.h"

namespace duet::net {

// A DNS server on loopback that answers from a function: RFC 1035, one question, A and AAAA.
class DnsServer {
 public:
  struct Records {
    std::vector<std::string> addresses;  // of either family
    std::uint32_t ttl_s = 60;
    int code = 0;         // 3: there is no such name
    bool silent = false;  // no answer at all
  };
  // `answer` gets the name in lower case and runs on the server's thread.
  explicit DnsServer(std::function<Records(const std::string& name)> answer)
      : answer_(std::move(answer)), stop_(eventfd(0, EFD_CLOEXEC)) {
    socket_.reset(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const SocketAddress any = *make_address("127.0.0.1", 0);
    if (bind(socket_.get(), any.raw(), any.size) == 0) {
      address_ = format_address(*local_address(socket_.get()));
    }
    thread_ = std::thread([this] { serve(); });
  }
  ~DnsServer() {
    eventfd_write(stop_.get(), 1);
    thread_.join();
  }
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  const std::string& address() const { return address_; }  // "127.0.0.1:PORT"
  int questions() const { return questions_; }

 private:
  static constexpr std::size_t kHeader = 12;
  static constexpr int kA = 1;
  static constexpr int kAaaa = 28;

  void serve() {
    for (;;) {
      pollfd fds[2] = {{socket_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
      poll(fds, 2, -1);
      if (fds[1].revents != 0) {
        return;
      }
      char packet[512];
      sockaddr_in from{};
      socklen_t size = sizeof(from);
      const ssize_t got = recvfrom(socket_.get(), packet, sizeof(packet), 0,
                                   reinterpret_cast<sockaddr*>(&from), &size);
      if (got > static_cast<ssize_t>(kHeader)) {
        const std::string reply = reply_to({packet, static_cast<std::size_t>(got)});
        if (!reply.empty()) {
          sendto(socket_.get(), reply.data(), reply.size(), 0,
                 reinterpret_cast<const sockaddr*>(&from), size);
        }
      }
    }
  }

  std::string reply_to(const std::string& question) {
    ++questions_;
    std::string name;
    std::size_t at = kHeader;
    while (at < question.size() && question[at] != 0) {
      const auto length = static_cast<std::size_t>(question[at]);
      name += (name.empty() ? "" : ".") + question.substr(at + 1, length);
      at += length + 1;
    }
    const int type = question.at(at + 2);
    const Records records = answer_(name);
    if (records.silent) {
      return {};
    }
    std::string answers;
    char count = 0;
    for (const std::string& text : records.addresses) {
      const bool v6 = text.find(':') != std::string::npos;
      if ((type == kAaaa) != v6) {
        continue;
      }
      char bytes[16];
      inet_pton(v6 ? AF_INET6 : AF_INET, text.c_str(), bytes);
      const std::uint32_t ttl = htonl(records.ttl_s);
      answers += std::string("\xc0\x0c\0", 3) + static_cast<char>(type) + std::string("\0\1", 2);
      answers.append(reinterpret_cast<const char*>(&ttl), 4);
      answers += std::string(1, '\0') + static_cast<char>(v6 ? 16 : 4);
      answers.append(bytes, v6 ? 16 : 4);
      ++count;
    }
    std::string reply = question.substr(0, 2) + "\x81" + static_cast<char>(0x80 | records.code);
    reply += std::string("\0\1\0", 3) + count + std::string("\0\0\0\0", 4);
    return reply + question.substr(kHeader, at + 5 - kHeader) + answers;
  }

  std::function<Records(const std::string&)> answer_;
  std::atomic<int> questions_ = 0;
  sys::Fd socket_;
  sys::Fd stop_;
  std::string address_;
  std::thread thread_;
};

}  // namespace duet::net
