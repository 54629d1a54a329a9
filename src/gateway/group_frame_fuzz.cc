// Any bytes as what a gateway of another worker group says (the first byte says what of it): frames
// are the same in whatever pieces they come; a content that is taken has nothing in it that may not
// be passed on, is the same when it is written and read again, and no part of it is a content.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fuzz_input.h"
#include "base/require.h"
#include "gateway/group_frame.h"
#include "net/http_body.h"

using namespace duet;           // NOLINT
using namespace duet::gateway;  // NOLINT

namespace {

class OneMore final : public NextSteps {
  bool has(std::size_t) const override { return true; }
  std::unique_ptr<Call> start(std::size_t, CallHead, Caller&) const override { return nullptr; }
};

void check_fields(std::span<const net::Field> fields) {
  for (const net::Field& field : fields) {
    require(net::is_token(field.name) && net::is_field_value(field.value));
    require(field.id == net::field_id(field.name));
    require(!net::is_hop_by_hop(field.id) && field.id != net::FieldId::kContentLength);
  }
}

void check_trailers(std::span<const net::Field> trailers) {
  for (const net::Field& field : trailers) {
    require(net::is_token(field.name) && net::is_field_value(field.value) && net::may_trail(field));
  }
}

// Each reads a content and gives it as it is written again; empty: it is none.

std::string read_start_again(std::string_view content) {
  StartContent start;
  if (!read_start(content, start)) {
    return {};
  }
  check_fields(start.head.fields);
  for (const net::Field& field : start.head.fields) {
    require(field.id != net::FieldId::kHost);
  }
  require(net::is_token(start.head.method) && !start.head.target.empty());
  require(start.head.target.find_first_of(" \r\n") == std::string_view::npos);
  require(start.head.authority.find_first_of(" \r\n") == std::string_view::npos);
  require(start.head.timeout_ms >= 0 && start.head.hops >= 0);
  if (start.has_next) {
    start.head.steps = std::make_shared<OneMore>();
  }
  return write_start(start.target, start.head);
}

std::string read_head_again(std::string_view content) {
  AnswerHead head;
  std::vector<net::Field> fields;
  if (!read_head(content, head, fields)) {
    return {};
  }
  check_fields(head.fields);
  require(head.status >= 100 && head.status <= 599 && head.status != 101);
  return write_head(head);
}

std::string read_trailers_again(std::string_view content) {
  std::vector<net::Field> trailers;
  if (!read_trailers(content, trailers)) {
    return {};
  }
  check_trailers(trailers);
  return write_trailers(trailers);
}

std::string read_end_again(std::string_view content) {
  Usage usage;
  std::vector<net::Field> trailers;
  if (!read_end(content, usage, trailers)) {
    return {};
  }
  check_trailers(trailers);
  require(usage.cpu_ns >= 0);
  return write_end(usage, trailers);
}

std::string read_failure_again(std::string_view content) {
  Usage usage;
  Failure failure;
  if (!read_failure(content, usage, failure)) {
    return {};
  }
  require(failure.status >= 400 && failure.status <= 599 && usage.cpu_ns >= 0);
  return write_failure(usage, failure);
}

std::string read_usage_again(std::string_view content) {
  Usage usage;
  return read_usage(content, usage) ? write_usage(usage) : std::string();
}

std::string read_credit_again(std::string_view content) {
  std::uint32_t bytes = 0;
  return read_credit(content, bytes) ? write_credit(bytes) : std::string();
}

using ReadAgain = std::string (*)(std::string_view);
constexpr ReadAgain kContents[] = {read_start_again, read_head_again,    read_trailers_again,
                                   read_end_again,   read_failure_again, read_usage_again,
                                   read_credit_again};

void check_content(ReadAgain read, std::string_view content) {
  const std::string once = read(content);
  if (once.empty()) {
    return;
  }
  require(read(once) == once);
  for (std::size_t size = 0; size < content.size(); ++size) {
    require(read(content.substr(0, size)).empty());
  }
  require(read(std::string(content) + '\0').empty());
}

void check_frames(std::string_view bytes) {
  while (const auto whole = read_frame(bytes)) {
    require(whole->size >= kFrameHeaderBytes);
    if (!is_possible(*whole)) {
      return;
    }
    require(whole->size <= kFrameHeaderBytes + kFrameBytes);
    for (std::size_t size = 0; size < std::min(bytes.size(), whole->size); ++size) {
      const auto part = read_frame(bytes.substr(0, size));
      require(part.has_value() == (size >= kFrameHeaderBytes));
      require(!part || (part->size == whole->size && part->frame.id == whole->frame.id &&
                        part->frame.type == whole->frame.type &&
                        whole->frame.content.starts_with(part->frame.content)));
    }
    if (bytes.size() < whole->size) {
      return;
    }
    char header[kFrameHeaderBytes];
    write_frame_header(header, whole->frame.type, whole->frame.id, whole->frame.content.size());
    require(std::string_view(header, sizeof(header)) == bytes.substr(0, sizeof(header)));
    bytes.remove_prefix(whole->size);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLimitBytes = 2 << 10;
  if (size == 0 || size > kLimitBytes) {
    return 0;
  }
  FuzzInput input(data, size);
  const std::size_t kind = input.number(std::size(kContents) + 1);
  if (kind == std::size(kContents)) {
    check_frames(input.rest());
  } else {
    check_content(kContents[kind], input.rest());
  }
  return 0;
}
