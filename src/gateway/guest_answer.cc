#include "gateway/guest_answer.h"

#include <charconv>

#include "net/http_body.h"

namespace duet::gateway {
namespace {

bool read_length(std::string_view text, std::uint64_t& length) {
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, length);
  return error == std::errc{} && last == end;
}

}  // namespace

const char* read_guest_head(const engine::ResponseHead& head, std::vector<net::Field>& fields,
                            AnswerHead& answer) {
  constexpr int kFirstFinal = 200;
  constexpr int kLast = 599;  // RFC 9110 section 15
  if (head.status < kFirstFinal || head.status > kLast) {
    return "the guest's status is none of a final answer";
  }
  answer = {.status = head.status, .fields = {}, .framing = net::Framing::kChunked};
  fields.reserve(head.headers.size());
  for (const engine::Field& field : head.headers) {
    const net::FieldId id = net::field_id(field.name);
    if (id == net::FieldId::kContentLength) {
      if (answer.framing == net::Framing::kLength ||
          !read_length(field.value, answer.content_length)) {
        return "the guest's Content-Length is not one number";
      }
      answer.framing = net::Framing::kLength;
      answer.describes_body = true;
    } else if (!net::is_hop_by_hop(id)) {
      fields.push_back({field.name, field.value, id});
    }
  }
  answer.fields = fields;
  return nullptr;
}

std::vector<std::pair<std::string, std::string>> keep_guest_trailers(
    std::span<const engine::Field> trailers) {
  std::vector<std::pair<std::string, std::string>> kept;
  for (const engine::Field& trailer : trailers) {
    if (net::may_trail({trailer.name, trailer.value, net::field_id(trailer.name)})) {
      kept.emplace_back(trailer.name, trailer.value);
    }
  }
  return kept;
}

}  // namespace duet::gateway
