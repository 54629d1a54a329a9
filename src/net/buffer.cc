#include "net/buffer.h"

#include <algorithm>
#include <cstring>

namespace duet::net {

std::unique_ptr<char[]> BufferPool::take() {
  if (free_.empty()) {
    return std::unique_ptr<char[]>(new char[kBlockBytes]);  // not zeroed, unlike make_unique
  }
  auto block = std::move(free_.back());
  free_.pop_back();
  return block;
}

void BufferPool::give(std::unique_ptr<char[]> block) {
  if (free_.size() < keep_limit_) {
    free_.push_back(std::move(block));
  }
}

void Buffer::release() {
  if (data_ && capacity_ == BufferPool::kBlockBytes) {
    pool_->give(std::move(data_));
  }
  data_.reset();
  begin_ = end_ = capacity_ = 0;
}

void Buffer::make_room(std::size_t size) {
  const std::size_t used = end_ - begin_;
  if (capacity_ - used >= size && begin_ > 0) {
    std::memmove(data_.get(), data_.get() + begin_, used);
    begin_ = 0;
    end_ = used;
    return;
  }
  if (capacity_ == 0 && size <= BufferPool::kBlockBytes) {
    data_ = pool_->take();
    capacity_ = BufferPool::kBlockBytes;
    return;
  }
  const std::size_t capacity = std::max(capacity_ * 2, used + size);
  std::unique_ptr<char[]> grown(new char[capacity]);
  if (used > 0) {
    std::memcpy(grown.get(), data_.get() + begin_, used);
  }
  release();
  data_ = std::move(grown);
  capacity_ = capacity;
  end_ = used;
}

}  // namespace duet::net
