// Any bytes of a client that does not speak TLS, through the gateway's own connections to a backend
// that answers with what it got. In whatever pieces they come, the same requests get the same
// answers, each one its own; and what the gateway says is HTTP/1.1. The first byte says how many
// bytes come at once.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fuzz_input.h"
#include "gateway/echo_call_for_test.h"
#include "gateway/memory_front_for_test.h"
#include "net/http_body.h"
#include "net/http_response_parser.h"

using namespace duet;           // NOLINT
using namespace duet::gateway;  // NOLINT

namespace {

std::list<Heard> heard;

// Without the time, which is that of the whole run.
std::string without_dates(std::string said) {
  constexpr std::string_view kDate = "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n";
  for (std::size_t at = said.find("\nDate: "); at != said.npos; at = said.find("\nDate: ", at)) {
    said.erase(at + 1, kDate.size());
  }
  return said;
}

// The bodies of the answers with status 200 that are whole. None of them may answer HEAD.
std::vector<std::string> read_answers(std::string_view said) {
  std::vector<std::string> bodies;
  net::ResponseParser parser({});
  net::ResponseHead head;
  while (!said.empty()) {
    const net::ParseResult result = parser.parse(said, false, head);
    require(result.state != net::ParseResult::State::kInvalid);
    if (result.state == net::ParseResult::State::kIncomplete) {
      break;
    }
    said.remove_prefix(result.consumed);
    if (head.status < 200) {
      continue;
    }
    net::BodyDecoder body(head.framing, head.content_length, {});
    std::string text;
    net::BodyDecoder::Step step{.state = net::BodyDecoder::State::kData};
    while (step.state == net::BodyDecoder::State::kData) {
      step = body.next(said);
      text += step.data;
      said.remove_prefix(step.consumed);
    }
    require(step.state != net::BodyDecoder::State::kInvalid);
    if (head.status == 200 && (body.ended() || body.until_close())) {
      bodies.push_back(text);
    }
  }
  return bodies;
}

void check_answers(std::string_view said) {
  const std::vector<std::string> bodies = read_answers(said);
  require(bodies.size() <= heard.size());
  auto request = heard.begin();
  for (const std::string& body : bodies) {
    require(request->whole && body == request->body);
    ++request;
  }
}

// What was heard and said, in words.
std::string talk(MemoryFront& front, std::string_view input, std::size_t piece) {
  heard.clear();
  std::string all = without_dates(front.talk(input, piece));
  for (const Heard& one : heard) {
    all.append(one.head).append(one.body).append(one.whole ? "|" : "-");
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static MemoryFront front([](net::EventLoop& loop, const CallHead& head, Caller& caller) {
    return std::make_unique<EchoCall>(loop, head, caller, heard);
  });
  constexpr std::size_t kLimitBytes = 2 << 10;  // less than any bound of a head
  if (size < 2 || size > kLimitBytes) {
    return 0;
  }
  FuzzInput input(data, size);
  const std::size_t piece = 1 + input.number(64);
  const std::string_view text = input.rest();
  if (text.starts_with("PRI ")) {
    return 0;  // http2_client_fuzz
  }
  const std::string in_pieces = talk(front, text, piece);
  require(talk(front, text, text.size()) == in_pieces);
  // What the gateway answers itself by 200 is heard by nobody.
  if (text.find("HEAD") == text.npos && text.find("OPTIONS *") == text.npos) {
    heard.clear();
    check_answers(front.talk(text, text.size()));
  }
  return 0;
}
