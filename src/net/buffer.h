#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace duet::net {

// Keeps freed blocks of one size for the next connection, so that idle connections hold no memory
// and busy ones do not ask the allocator. Not thread-safe; outlives its buffers.
class BufferPool {
 public:
  static constexpr std::size_t kBlockBytes = 16 << 10;

  // At most `keep_limit` free blocks are kept.
  explicit BufferPool(std::size_t keep_limit) : keep_limit_(keep_limit) {}

  std::unique_ptr<char[]> take();
  void give(std::unique_ptr<char[]> block);

 private:
  std::size_t keep_limit_;
  std::vector<std::unique_ptr<char[]>> free_;
};

// Bytes in a row: appended at the end, consumed at the front. The first block comes from the pool,
// larger ones from the allocator. Views stay valid until something is appended. Not thread-safe.
class Buffer {
 public:
  explicit Buffer(BufferPool& pool) : pool_(&pool) {}
  ~Buffer() { release(); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Buffer(Buffer&& other) noexcept
      : pool_(other.pool_),
        data_(std::move(other.data_)),
        begin_(std::exchange(other.begin_, 0)),
        end_(std::exchange(other.end_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}

  std::string_view view() const { return {data_.get() + begin_, end_ - begin_}; }
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }

  // At least `size` writable bytes at the end; commit() says how many were written.
  char* prepare(std::size_t size) {
    if (capacity_ - end_ < size) {
      make_room(size);
    }
    return data_.get() + end_;
  }
  std::size_t room() const { return capacity_ - end_; }
  void commit(std::size_t size) { end_ += size; }

  void append(std::string_view text) {
    if (!text.empty()) {
      __builtin_memcpy(prepare(text.size()), text.data(), text.size());
      end_ += text.size();
    }
  }

  void consume(std::size_t size) {
    begin_ += size;
    if (begin_ == end_) {
      begin_ = end_ = 0;
    }
  }
  void clear() { begin_ = end_ = 0; }
  // Gives the memory back and forgets the content.
  void release();

 private:
  void make_room(std::size_t size);

  BufferPool* pool_;
  std::unique_ptr<char[]> data_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace duet::net
