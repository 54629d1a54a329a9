#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/http_message.h"

// What is random in a simulation, all of it from one seed.
namespace duet::gateway::simulation {

// splitmix64.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  std::size_t below(std::size_t bound) { return next() % bound; }
  // True once in `n` times.
  bool one_in(std::size_t n) { return below(n) == 0; }

 private:
  std::uint64_t state_;
};

// How the backend of a request behaves.
enum class Fault : std::uint8_t {
  kNone,
  kEarly,     // answers before it has read the body
  kHints,     // says 103 first
  kExtra,     // a server: sends more behind its answer; a guest: a longer body than it has said
  kCloses,    // closes behind its answer, and did not say so
  kNoAnswer,  // closes when the request has come; a guest: traps
  kHalfHead,  // closes in the middle of its head; a guest: traps
  kHalfBody,  // closes in the middle of its body; a guest: traps
  kGarbage,   // answers what is not HTTP; a guest: traps
  kSilent,    // answers nothing, ever
};
constexpr std::size_t kFaults = 10;

// One request and its answer, the same for all who take part in it.
struct Plan {
  std::uint64_t id = 0;
  bool to_guest = false;
  std::string method;
  net::Framing request_framing = net::Framing::kNone;
  std::size_t request_bytes = 0;
  net::Framing answer_framing = net::Framing::kLength;
  std::size_t answer_bytes = 0;
  Fault fault = Fault::kNone;

  std::string path() const { return (to_guest ? "/guest/" : "/server/") + std::to_string(id); }
  // Whether the client must get the whole answer.
  bool answered() const { return fault < Fault::kNoAnswer && !floods(); }
  // Whether its answer may end in the middle, and the client's connection with it.
  bool may_be_cut() const { return fault == Fault::kHalfBody || floods(); }

 private:
  bool floods() const {
    return to_guest && fault == Fault::kExtra && answer_framing == net::Framing::kLength;
  }
};

Plan make_plan(std::uint64_t seed, std::uint64_t id);
// The id in a path that Plan::path made; 0: it is none.
std::uint64_t id_of(std::string_view path);
// The bodies of a request and its answer: no two are alike.
std::string request_body(const Plan& plan);
std::string answer_body(const Plan& plan);

// A message's body on the wire, cut into chunks of random sizes if it is chunked.
std::string frame_body(net::Framing framing, std::string_view body, Random& random);
// The fields that go with it.
std::string framing_fields(net::Framing framing, std::size_t bytes);

}  // namespace duet::gateway::simulation
