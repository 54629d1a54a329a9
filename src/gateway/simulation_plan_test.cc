#include "gateway/simulation_plan_test.h"

#include <charconv>

namespace duet::gateway::simulation {
namespace {

// Mostly small, sometimes more than all buffers on the way, and less than what the gateway reads
// over when nobody wants it (ClientLimits::discard_bytes).
std::size_t random_size(Random& random) {
  switch (random.below(8)) {
    case 0:
      return 0;
    case 1:
      return random.below(200'000);
    case 2:
      return random.below(20'000);
    default:
      return random.below(200);
  }
}

std::string pattern(std::uint64_t seed, std::size_t size) {
  Random random(seed);
  std::string out;
  out.reserve(size + 8);
  while (out.size() < size) {
    std::uint64_t bits = random.next();
    for (int i = 0; i < 8; ++i, bits >>= 8) {
      out += static_cast<char>('a' + bits % 16);
    }
  }
  out.resize(size);
  return out;
}

}  // namespace

Plan make_plan(std::uint64_t seed, std::uint64_t id) {
  Random random(seed * 1'000'003 + id);
  Plan plan{.id = id, .to_guest = random.one_in(3)};
  static constexpr const char* kMethods[] = {"GET", "POST", "PUT", "DELETE"};
  plan.method = kMethods[random.below(4)];
  if (plan.method == "POST" || plan.method == "PUT") {
    plan.request_bytes = random_size(random);
    plan.request_framing = random.one_in(2)          ? net::Framing::kChunked
                           : plan.request_bytes == 0 ? net::Framing::kNone
                                                     : net::Framing::kLength;
  }
  plan.answer_bytes = random_size(random);
  plan.answer_framing = random.one_in(2)         ? net::Framing::kChunked
                        : plan.answer_bytes == 0 ? net::Framing::kNone
                                                 : net::Framing::kLength;
  if (random.one_in(4)) {
    plan.fault = static_cast<Fault>(random.below(kFaults));
  }
  return plan;
}

std::uint64_t id_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  std::uint64_t id = 0;
  if (slash != std::string_view::npos) {
    std::from_chars(path.data() + slash + 1, path.data() + path.size(), id);
  }
  return id;
}

std::string request_body(const Plan& plan) { return pattern(plan.id * 2, plan.request_bytes); }
std::string answer_body(const Plan& plan) { return pattern(plan.id * 2 + 1, plan.answer_bytes); }

std::string frame_body(net::Framing framing, std::string_view body, Random& random) {
  if (framing != net::Framing::kChunked) {
    return std::string(body);
  }
  std::string out;
  while (!body.empty()) {
    const std::size_t size = std::min(body.size(), 1 + random.below(body.size() * 2));
    char digits[16];
    const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), size, 16);
    out.append(digits, end).append("\r\n").append(body.substr(0, size)).append("\r\n");
    body.remove_prefix(size);
  }
  return out + "0\r\n\r\n";
}

std::string framing_fields(net::Framing framing, std::size_t bytes) {
  return framing == net::Framing::kChunked ? "Transfer-Encoding: chunked\r\n"
                                           : "Content-Length: " + std::to_string(bytes) + "\r\n";
}

}  // namespace duet::gateway::simulation
