#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "engine/duet_engine.h"
#include "engine/handler.h"

// The crate's form of what a request begins with.
namespace duet::engine {

inline duet_slice slice(std::string_view text) { return {text.data(), text.size()}; }

// Fields, on the stack unless there are many.
class RawFields {
 public:
  explicit RawFields(std::span<const Field> fields) : size_(fields.size()) {
    duet_field* out = few_.data();
    if (size_ > few_.size()) {
      many_.resize(size_);
      out = many_.data();
    }
    data_ = out;
    for (const Field& field : fields) {
      *out++ = {slice(field.name), slice(field.value)};
    }
  }
  RawFields(const RawFields&) = delete;
  RawFields& operator=(const RawFields&) = delete;

  const duet_field* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  std::array<duet_field, 32>
      few_;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled as far as read
  std::vector<duet_field> many_;
  const duet_field* data_;
  std::size_t size_;
};

// A head; `head` and its strings outlive it.
class RawHead {
 public:
  explicit RawHead(const RequestHead& head) : headers_(head.headers) {
    raw_.method = slice(head.method);
    raw_.scheme = slice(head.scheme);
    raw_.authority = slice(head.authority);
    raw_.path_with_query = slice(head.path_with_query);
    raw_.headers = headers_.data();
    raw_.header_count = headers_.size();
    raw_.body_complete = head.body_complete;
  }
  const duet_request_head& get() const { return raw_; }

 private:
  RawFields headers_;
  duet_request_head raw_{};
};

inline duet_limits to_raw(const RequestLimits& limits) {
  duet_limits raw{};
  raw.memory_bytes = limits.memory_bytes;
  raw.table_elements = limits.table_elements;
  raw.instance_limit = limits.instance_limit;
  raw.resource_limit = limits.resource_limit;
  raw.outgoing_limit = limits.outgoing_limit;
  raw.cpu_budget_ns = limits.cpu_budget_ns;
  raw.request_body_bytes = limits.request_body_bytes;
  raw.response_chunk_bytes = limits.response_chunk_bytes;
  raw.header_bytes = limits.header_bytes;
  raw.log_bytes = limits.log_bytes;
  raw.computes_long = limits.computes_long;
  return raw;
}

}  // namespace duet::engine
