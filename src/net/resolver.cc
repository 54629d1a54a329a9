#include "net/resolver.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <unordered_map>

namespace duet::net {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::int64_t kNsPerSecond = 1'000'000'000;
// The system's list of servers is read again when the last time was this long ago.
constexpr std::int64_t kServersNs = 5 * kNsPerSecond;

// c-ares counts what it needs in the whole process.
struct Library {
  Library() : status(ares_library_init(ARES_LIB_INIT_ALL)) {}
  ~Library() { ares_library_cleanup(); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  int status;
};

std::string address_text(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = {};
  const bool v6 = address->sa_family == AF_INET6;
  const void* bytes =
      v6 ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr)
         : &reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
  return inet_ntop(address->sa_family, bytes, text, sizeof(text)) == nullptr ? "" : text;
}

Error failure(const std::string& name, int status) {
  const bool missing = status == ARES_ENOTFOUND || status == ARES_ENODATA ||
                       status == ARES_EBADNAME || status == ARES_ENONAME;
  const ErrorCode code = missing                   ? ErrorCode::kNotFound
                         : status == ARES_ETIMEOUT ? ErrorCode::kTimeout
                                                   : ErrorCode::kUnavailable;
  return {code, "resolving " + name + ": " + ares_strerror(status)};
}

class AresResolver final : public Resolver {
 public:
  AresResolver(EventLoop& loop, ResolverOptions options)
      : loop_(loop), options_(std::move(options)) {}
  ~AresResolver() override { close_channel(); }

  Status open_channel() {
    if (library_.status != ARES_SUCCESS) {
      return internal(std::string("c-ares: ") + ares_strerror(library_.status));
    }
    ares_options wanted{};
    wanted.flags = ARES_FLAG_NOSEARCH;
    wanted.timeout = static_cast<int>(options_.timeout_ms);
    wanted.tries = options_.tries;
    wanted.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
      static_cast<AresResolver*>(self)->watch(fd, readable != 0, writable != 0);
    };
    wanted.sock_state_cb_data = this;
    const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
    ares_channel channel = nullptr;
    int status = ares_init_options(&channel, &wanted, mask);
    if (status != ARES_SUCCESS) {
      return internal(std::string("c-ares: ") + ares_strerror(status));
    }
    if (!options_.servers.empty()) {
      status = ares_set_servers_ports_csv(channel, options_.servers.c_str());
    }
    if (status != ARES_SUCCESS) {
      ares_destroy(channel);
      return invalid("DNS servers '" + options_.servers + "' are not IP[:PORT],...");
    }
    close_channel();
    channel_ = channel;
    opened_ns_ = loop_.now_ns();
    return {};
  }

  std::optional<Answer> resolve(const std::string& name, Waiter& waiter) override {
    const auto found = names_.find(name);
    if (found != names_.end() && !found->second->waiting) {
      if (found->second->until_ns > loop_.now_ns()) {
        return found->second->answer;
      }
      names_.erase(found);
    } else if (found != names_.end()) {
      found->second->waiters.push_back(&waiter);
      return std::nullopt;
    }
    if (!make_room()) {
      return Answer(Error(ErrorCode::kExhausted, "too many names are being resolved"));
    }
    auto& entry = names_[name];
    entry = std::make_unique<Entry>(*this, name);
    entry->waiters.push_back(&waiter);
    ask(*entry);
    return std::nullopt;
  }

  void forget(Waiter& waiter) override {
    for (auto& [name, entry] : names_) {
      std::erase(entry->waiters, &waiter);
    }
    std::erase(telling_, &waiter);
  }

 private:
  // What is known of a name, or who waits to know it. Answers of c-ares that come before ask()
  // returns are told at the end of the round.
  struct Entry final : Deferred {
    Entry(AresResolver& owner, std::string asked) : resolver(owner), name(std::move(asked)) {}
    void run_deferred() override { resolver.tell(*this); }

    AresResolver& resolver;
    std::string name;
    bool waiting = true;
    bool answered = false;
    Answer answer{std::vector<std::string>()};
    std::int64_t until_ns = 0;
    std::vector<Waiter*> waiters;
  };

  struct Socket final : IoHandler {
    Socket(AresResolver& owner, int socket) : resolver(owner), fd(socket) {}
    void on_io(std::uint32_t events) override {
      AresResolver& owner = resolver;  // this may be gone after the call
      ares_process_fd(owner.channel_,
                      (events & ~std::uint32_t{EPOLLOUT}) != 0 ? fd : ARES_SOCKET_BAD,
                      (events & EPOLLOUT) != 0 ? fd : ARES_SOCKET_BAD);
      owner.set_timer();
    }
    AresResolver& resolver;
    int fd;
  };

  void ask(Entry& entry) {
    if (pending_ == 0 && loop_.now_ns() - opened_ns_ > kServersNs) {
      // On an error the channel that is there goes on.
      static_cast<void>(open_channel());
    }
    ++pending_;
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = ARES_AI_NOSORT;
    ares_getaddrinfo(
        channel_, entry.name.c_str(), nullptr, &hints,
        [](void* to, int status, int, ares_addrinfo* result) {
          auto& asked = *static_cast<Entry*>(to);
          asked.resolver.take(asked, status, result);
          ares_freeaddrinfo(result);
        },
        &entry);
    set_timer();
  }

  void take(Entry& entry, int status, const ares_addrinfo* result) {
    --pending_;
    if (closing_) {
      return;
    }
    std::int64_t ttl_ms = options_.failure_ttl_ms;
    if (status == ARES_SUCCESS) {
      std::vector<std::string> addresses;
      ttl_ms = options_.ttl_limit_ms;
      for (const auto* node = result->nodes; node != nullptr; node = node->ai_next) {
        if (addresses.size() < options_.address_limit) {
          addresses.push_back(address_text(node->ai_addr));
        }
        ttl_ms = std::min(ttl_ms, std::max(0, node->ai_ttl) * std::int64_t{1000});
      }
      entry.answer = addresses.empty() ? Answer(failure(entry.name, ARES_ENODATA))
                                       : Answer(std::move(addresses));
    } else {
      entry.answer = failure(entry.name, status);
    }
    entry.until_ns = loop_.now_ns() + ttl_ms * kNsPerMs;
    entry.answered = true;
    loop_.defer(entry);
  }

  void tell(Entry& entry) {
    entry.waiting = false;
    const Answer answer = entry.answer;  // a waiter may ask anew, and the entry go
    telling_ = std::move(entry.waiters);
    while (!telling_.empty()) {
      Waiter* waiter = telling_.back();
      telling_.pop_back();
      waiter->on_resolved(answer);
    }
  }

  // Answers that are too old go; when there are none, all that nobody waits for.
  bool make_room() {
    if (names_.size() < options_.name_limit) {
      return true;
    }
    const auto drop = [this](bool fresh_too) {
      std::erase_if(names_, [&](const auto& named) {
        return !named.second->waiting && (fresh_too || named.second->until_ns <= loop_.now_ns());
      });
      return names_.size() < options_.name_limit;
    };
    return drop(false) || drop(true);
  }

  void watch(int fd, bool readable, bool writable) {
    std::unique_ptr<Socket>& socket = sockets_[fd];
    if (socket) {
      loop_.remove(fd, *socket);
    }
    if (!readable && !writable) {
      sockets_.erase(fd);
      return;
    }
    socket = std::make_unique<Socket>(*this, fd);
    // On an error the query's own timeout ends it.
    static_cast<void>(loop_.add(
        fd, *socket,
        (readable ? std::uint32_t{EPOLLIN} : 0U) | (writable ? std::uint32_t{EPOLLOUT} : 0U)));
  }

  void set_timer() {
    timeval time{};
    if (ares_timeout(channel_, nullptr, &time) == nullptr) {
      loop_.cancel_timer(timer_);
    } else {
      loop_.set_timer(timer_, time.tv_sec * kNsPerSecond + time.tv_usec * 1'000);
    }
  }

  void on_timer() {
    ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer();
  }

  void close_channel() {
    if (channel_ != nullptr) {
      closing_ = true;
      ares_destroy(channel_);  // ends what is asked, and the sockets
      closing_ = false;
      channel_ = nullptr;
    }
  }

  EventLoop& loop_;
  ResolverOptions options_;
  Library library_;
  ares_channel channel_ = nullptr;
  bool closing_ = false;
  std::int64_t opened_ns_ = 0;
  int pending_ = 0;  // questions that c-ares has
  std::unordered_map<std::string, std::unique_ptr<Entry>> names_;
  std::vector<Waiter*> telling_;  // of the entry that is being told
  std::unordered_map<int, std::unique_ptr<Socket>> sockets_;
  MemberTimer<AresResolver, &AresResolver::on_timer> timer_{*this};
};

}  // namespace

Result<std::unique_ptr<Resolver>> Resolver::create(EventLoop& loop,
                                                   const ResolverOptions& options) {
  auto resolver = std::make_unique<AresResolver>(loop, options);
  DUET_TRY(resolver->open_channel());
  return std::unique_ptr<Resolver>(std::move(resolver));
}

}  // namespace duet::net
