#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/exchange.h"
#include "net/http_message.h"

// What the gateways of two worker groups say to each other over a socket of their own: calls of
// exchange.h, many at a time, begun by either side. A frame is a header (the size of what follows
// in 4 bytes, the call's number in 8, the type in 1; little endian) and its content. Both sides may
// be held by a guest that broke out, so everything that is read is checked: sizes, and that fields
// are fields.
namespace duet::gateway {

enum class FrameType : std::uint8_t {
  // Of who asks; it chooses the number, each once.
  kStart = 1,         // a request's head, and whom it is for
  kBody = 2,          // of the request
  kBodyEnd = 3,       // its trailers
  kAnswerCredit = 4,  // so many more bytes of kData may come
  kCancel = 5,        // nobody waits for the answer any more
  // Of who answers, with the number that it was asked under.
  kHead = 6,
  kData = 7,
  kEnd = 8,      // trailers, and what the call used; the last frame
  kFailure = 9,  // why there is no answer or no more of it, and what the call used; the last one
  kBodyCredit = 10,  // so many more bytes of kBody may come
  kUsage = 11,       // what the call has used up to now
};

inline constexpr std::size_t kFrameHeaderBytes = 13;
inline constexpr std::size_t kFrameBytes = 2 << 20;  // of a content
inline constexpr std::int64_t kWindowBytes = 64
                                             << 10;  // of a body that was not asked for by credit

struct Frame {
  FrameType type = FrameType::kCancel;
  std::uint64_t id = 0;
  std::string_view content;
};

// The frame that `bytes` begin with: its content may not be complete, which `size` tells (header
// and content together). Nothing: the header is not complete.
struct FrameStart {
  Frame frame;
  std::size_t size = 0;
};
std::optional<FrameStart> read_frame(std::string_view bytes);
// Whether type and size are such that may be.
bool is_possible(const FrameStart& start);

void write_frame_header(char (&header)[kFrameHeaderBytes], FrameType type, std::uint64_t id,
                        std::size_t size);

// Whom a call is for: a backend by its name, or what comes after the handler that answers the other
// side's call of number `parent`.
struct CallTarget {
  std::string_view backend;  // empty: the next step
  std::uint64_t parent = 0;
};

// Contents. What is read are views of it; false: it is none.
struct StartContent {
  CallTarget target;
  CallHead head;          // its steps are not there
  bool has_next = false;  // it is for a handler that stands before others
  std::vector<net::Field> fields;
};
std::string write_start(const CallTarget& target, const CallHead& head);
bool read_start(std::string_view content, StartContent& start);

std::string write_head(const AnswerHead& head);
bool read_head(std::string_view content, AnswerHead& head, std::vector<net::Field>& fields);

std::string write_trailers(std::span<const net::Field> trailers);
bool read_trailers(std::string_view content, std::vector<net::Field>& trailers);

std::string write_end(const Usage& usage, std::span<const net::Field> trailers);
bool read_end(std::string_view content, Usage& usage, std::vector<net::Field>& trailers);

// `reason` and Usage::retry_reason are views here, and no constants yet.
std::string write_failure(const Usage& usage, const Failure& failure);
bool read_failure(std::string_view content, Usage& usage, Failure& failure);

std::string write_usage(const Usage& usage);
bool read_usage(std::string_view content, Usage& usage);

std::string write_credit(std::uint32_t bytes);
bool read_credit(std::string_view content, std::uint32_t& bytes);

}  // namespace duet::gateway
