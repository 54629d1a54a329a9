#include "gateway/group_frame.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "net/http_body.h"

namespace duet::gateway {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they stand");

constexpr std::size_t kFieldLimit = 4'096;   // of one head
constexpr std::size_t kDetailBytes = 1'024;  // of a failure; more is cut

class ContentWriter {
 public:
  template <typename Number>
  ContentWriter& number(Number value) {
    char bytes[sizeof(value)];
    std::memcpy(bytes, &value, sizeof(value));
    out_.append(bytes, sizeof(value));
    return *this;
  }
  ContentWriter& text(std::string_view value) {
    number(static_cast<std::uint32_t>(value.size()));
    out_.append(value);
    return *this;
  }
  ContentWriter& fields(std::span<const net::Field> fields) {
    number(static_cast<std::uint32_t>(fields.size()));
    for (const net::Field& field : fields) {
      text(field.name).text(field.value);
    }
    return *this;
  }
  ContentWriter& usage(const Usage& usage) {
    return number(usage.cpu_ns)
        .number(usage.peak_memory_bytes)
        .number(usage.outgoing)
        .number(usage.outgoing_bytes)
        .number(static_cast<std::uint8_t>(usage.cold))
        .number(usage.retries)
        .text(usage.retry_reason);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

// Reads on after a mistake, and tells of it at the end.
class ContentReader {
 public:
  explicit ContentReader(std::string_view content) : rest_(content) {}

  template <typename Number>
  Number number() {
    Number value{};
    if (rest_.size() < sizeof(value)) {
      good_ = false;
      return value;
    }
    rest_.copy(reinterpret_cast<char*>(&value), sizeof(value));
    rest_.remove_prefix(sizeof(value));
    return value;
  }
  bool flag() {
    const auto value = number<std::uint8_t>();
    good_ &= value <= 1;
    return value == 1;
  }
  std::string_view text() {
    const auto size = number<std::uint32_t>();
    if (rest_.size() < size) {
      good_ = false;
      return {};
    }
    const std::string_view value = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return value;
  }
  void fields(std::vector<net::Field>& into) {
    into.clear();
    const auto count = number<std::uint32_t>();
    good_ &= count <= kFieldLimit;
    for (std::uint32_t i = 0; good_ && i < count; ++i) {
      const std::string_view name = text();
      const std::string_view value = text();
      good_ &= net::is_token(name) && net::is_field_value(value);
      into.push_back({name, value, net::field_id(name)});
    }
  }
  net::Framing framing() {
    const auto value = number<std::uint8_t>();
    good_ &= value <= static_cast<std::uint8_t>(net::Framing::kChunked);
    return static_cast<net::Framing>(value);
  }
  Usage usage() {
    Usage usage;
    usage.cpu_ns = number<std::int64_t>();
    good_ &= usage.cpu_ns >= 0;
    usage.peak_memory_bytes = number<std::uint64_t>();
    usage.outgoing = number<std::uint32_t>();
    usage.outgoing_bytes = number<std::uint64_t>();
    usage.cold = flag();
    usage.retries = number<std::uint32_t>();
    usage.retry_reason = text();
    return usage;
  }
  void require(bool holds) { good_ &= holds; }
  // Whether all was good, and nothing is left.
  bool done() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

bool is_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '\x7f'; });
}

// What frames a message or belongs to its connection stands beside the fields.
bool is_of_one_message(net::FieldId id) {
  return net::is_hop_by_hop(id) || id == net::FieldId::kContentLength;
}

}  // namespace

std::optional<FrameStart> read_frame(std::string_view bytes) {
  if (bytes.size() < kFrameHeaderBytes) {
    return std::nullopt;
  }
  std::uint32_t size = 0;
  FrameStart start;
  std::memcpy(&size, bytes.data(), sizeof(size));
  std::memcpy(&start.frame.id, bytes.data() + sizeof(size), sizeof(start.frame.id));
  start.frame.type = static_cast<FrameType>(bytes[kFrameHeaderBytes - 1]);
  start.frame.content = bytes.substr(kFrameHeaderBytes, size);
  start.size = kFrameHeaderBytes + size;
  return start;
}

bool is_possible(const FrameStart& start) {
  return start.size <= kFrameHeaderBytes + kFrameBytes && start.frame.type >= FrameType::kStart &&
         start.frame.type <= FrameType::kUsage;
}

void write_frame_header(char (&header)[kFrameHeaderBytes], FrameType type, std::uint64_t id,
                        std::size_t size) {
  const auto size32 = static_cast<std::uint32_t>(size);
  std::memcpy(header, &size32, sizeof(size32));
  std::memcpy(header + sizeof(size32), &id, sizeof(id));
  header[kFrameHeaderBytes - 1] = static_cast<char>(type);
}

std::string write_start(const CallTarget& target, const CallHead& head) {
  const bool has_next = head.steps && head.steps->has(head.step + 1);
  return ContentWriter()
      .text(target.backend)
      .number(target.parent)
      .text(head.method)
      .text(head.scheme)
      .text(head.authority)
      .text(head.target)
      .text(head.matched_path)
      .number(static_cast<std::uint8_t>(head.matched_exactly))
      .number(static_cast<std::uint8_t>(head.framing))
      .number(head.content_length)
      .number(static_cast<std::uint8_t>(head.takes_trailers))
      .text(head.client_address)
      .number(head.timeout_ms)
      .number(static_cast<std::uint8_t>(has_next))
      .number(static_cast<std::int32_t>(head.hops))
      .fields(head.fields)
      .take();
}

bool read_start(std::string_view content, StartContent& start) {
  ContentReader reader(content);
  CallHead& head = start.head;
  start.target.backend = reader.text();
  start.target.parent = reader.number<std::uint64_t>();
  head.method = reader.text();
  head.scheme = reader.text();
  head.authority = reader.text();
  head.target = reader.text();
  head.matched_path = reader.text();
  head.matched_exactly = reader.flag();
  head.framing = reader.framing();
  head.content_length = reader.number<std::uint64_t>();
  head.takes_trailers = reader.flag();
  head.client_address = reader.text();
  head.timeout_ms = reader.number<std::int64_t>();
  start.has_next = reader.flag();
  head.hops = reader.number<std::int32_t>();
  reader.fields(start.fields);
  std::erase_if(start.fields, [](const net::Field& field) {
    return is_of_one_message(field.id) || field.id == net::FieldId::kHost;
  });
  head.fields = start.fields;
  reader.require(net::is_token(head.method) && is_visible(head.authority) && !head.target.empty() &&
                 is_visible(head.target) && is_visible(head.scheme) && head.timeout_ms >= 0 &&
                 head.hops >= 0);
  return reader.done();
}

std::string write_head(const AnswerHead& head) {
  return ContentWriter()
      .number(static_cast<std::int32_t>(head.status))
      .number(static_cast<std::uint8_t>(head.framing))
      .number(head.content_length)
      .number(static_cast<std::uint8_t>(head.describes_body))
      .number(static_cast<std::uint8_t>(head.complete))
      .fields(head.fields)
      .take();
}

bool read_head(std::string_view content, AnswerHead& head, std::vector<net::Field>& fields) {
  constexpr int kFirst = 100;
  constexpr int kSwitches = 101;  // a handler cannot
  constexpr int kLast = 599;      // RFC 9110 section 15
  ContentReader reader(content);
  head.status = reader.number<std::int32_t>();
  head.framing = reader.framing();
  head.content_length = reader.number<std::uint64_t>();
  head.describes_body = reader.flag();
  head.complete = reader.flag();
  reader.fields(fields);
  reader.require(head.status >= kFirst && head.status <= kLast && head.status != kSwitches);
  std::erase_if(fields, [](const net::Field& field) { return is_of_one_message(field.id); });
  head.fields = fields;
  return reader.done();
}

std::string write_trailers(std::span<const net::Field> trailers) {
  return ContentWriter().fields(trailers).take();
}

bool read_trailers(std::string_view content, std::vector<net::Field>& trailers) {
  ContentReader reader(content);
  reader.fields(trailers);
  std::erase_if(trailers, [](const net::Field& field) { return !net::may_trail(field); });
  return reader.done();
}

std::string write_end(const Usage& usage, std::span<const net::Field> trailers) {
  return ContentWriter().usage(usage).fields(trailers).take();
}

bool read_end(std::string_view content, Usage& usage, std::vector<net::Field>& trailers) {
  ContentReader reader(content);
  usage = reader.usage();
  reader.fields(trailers);
  std::erase_if(trailers, [](const net::Field& field) { return !net::may_trail(field); });
  return reader.done();
}

std::string write_failure(const Usage& usage, const Failure& failure) {
  return ContentWriter()
      .usage(usage)
      .number(static_cast<std::int32_t>(failure.status))
      .text(failure.reason)
      .text(std::string_view(failure.detail).substr(0, kDetailBytes))
      .take();
}

bool read_failure(std::string_view content, Usage& usage, Failure& failure) {
  constexpr int kFirst = 400;
  constexpr int kLast = 599;
  ContentReader reader(content);
  usage = reader.usage();
  failure.status = reader.number<std::int32_t>();
  failure.reason = reader.text();
  failure.detail = reader.text().substr(0, kDetailBytes);
  reader.require(failure.status >= kFirst && failure.status <= kLast);
  return reader.done();
}

std::string write_usage(const Usage& usage) { return ContentWriter().usage(usage).take(); }

bool read_usage(std::string_view content, Usage& usage) {
  ContentReader reader(content);
  usage = reader.usage();
  return reader.done();
}

std::string write_credit(std::uint32_t bytes) { return ContentWriter().number(bytes).take(); }

bool read_credit(std::string_view content, std::uint32_t& bytes) {
  ContentReader reader(content);
  bytes = reader.number<std::uint32_t>();
  reader.require(bytes > 0);
  return reader.done();
}

}  // namespace duet::gateway
