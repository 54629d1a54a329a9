// The fields of a guest's answer and of its trailers, any that the engine lets through: what the
// client is told is one answer of HTTP/1.1, and it has what the guest said.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fuzz_input.h"
#include "gateway/guest_answer.h"
#include "gateway/memory_front_for_test.h"
#include "net/http_body.h"
#include "net/http_response_parser.h"

using namespace duet;           // NOLINT
using namespace duet::gateway;  // NOLINT

namespace {

struct Said {
  std::uint16_t status = 200;
  std::vector<std::pair<std::string, std::string>> head;
  std::vector<std::pair<std::string, std::string>> trailers;
  std::string body;
};

std::vector<engine::Field> views(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::vector<engine::Field> all;
  all.reserve(fields.size());
  for (const auto& [name, value] : fields) {
    all.push_back({name, value});
  }
  return all;
}

// Answers as HandlerCall passes a guest's answer on.
class GuestCall final : public Call {
 public:
  GuestCall(net::EventLoop& loop, const Said& said, Caller& caller)
      : loop_(loop), said_(said), caller_(caller) {}
  void begin() override { loop_.set_timer(timer_, 0); }
  std::size_t write_body(std::string_view data) override { return data.size(); }
  void finish_body(std::span<const net::Field>) override {}
  void resume_answer() override {}
  void cancel() override {
    over_ = true;
    loop_.cancel_timer(timer_);
  }

 private:
  void answer() {
    std::vector<net::Field> fields;
    AnswerHead head;
    const std::vector<engine::Field> said = views(said_.head);
    if (const char* wrong = read_guest_head({said_.status, said}, fields, head)) {
      caller_.on_failure({.status = 502, .reason = "BadAnswer", .detail = wrong});
    } else {
      caller_.on_head(head);
      if (!over_) {
        (void)caller_.on_data(said_.body);
      }
      end();
    }
    caller_.on_flush();
  }
  void end() {
    const auto kept = keep_guest_trailers(views(said_.trailers));
    std::vector<net::Field> trailers;
    trailers.reserve(kept.size());
    for (const auto& [name, value] : kept) {
      trailers.push_back({name, value, net::field_id(name)});
    }
    if (!over_) {
      caller_.on_end(trailers);
    }
  }
  net::EventLoop& loop_;
  const Said& said_;
  Caller& caller_;
  bool over_ = false;
  net::MemberTimer<GuestCall, &GuestCall::answer> timer_{*this};
};

Said said;

// Names and values as the engine has them: names in lower case.
void add(std::vector<std::pair<std::string, std::string>>& fields, const std::string& name,
         const std::string& value) {
  const bool lower =
      std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  if (lower && net::is_token(name) && net::is_field_value(value)) {
    fields.emplace_back(name, value);
  }
}

void read_said(FuzzInput input) {
  said = {};
  said.status = static_cast<std::uint16_t>(100 + 4 * input.number(256));
  const std::size_t head_fields = input.number(8);
  said.body.assign(input.number(16), 'x');
  for (std::size_t i = 0; !input.empty(); ++i) {
    const std::string name = input.text();
    add(i < head_fields ? said.head : said.trailers, name, input.text());
  }
}

// What a client reads who knows nothing of the guest.
void check(std::string_view text) {
  net::ResponseParser parser({});
  net::ResponseHead head;
  const net::ParseResult result = parser.parse(text, false, head);
  require(result.state == net::ParseResult::State::kDone && head.status >= 200);
  net::BodyDecoder body(head.framing, head.content_length, {});
  std::string_view rest = text.substr(result.consumed);
  std::string got;
  net::BodyDecoder::Step step{.state = net::BodyDecoder::State::kData};
  while (step.state == net::BodyDecoder::State::kData) {
    step = body.next(rest);
    got += step.data;
    rest.remove_prefix(step.consumed);
  }
  require(step.state != net::BodyDecoder::State::kInvalid);
  require(!body.ended() || rest.empty());
  if (head.status == said.status && body.ended() && head.framing != net::Framing::kNone) {
    require(got == said.body);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static MemoryFront front([](net::EventLoop& loop, const CallHead&, Caller& caller) {
    return std::make_unique<GuestCall>(loop, said, caller);
  });
  constexpr std::size_t kLimitBytes = 4 << 10;
  if (size < 4 || size > kLimitBytes) {
    return 0;
  }
  read_said(FuzzInput(data, size));
  check(front.talk("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", kLimitBytes));
  return 0;
}
