#include "cluster/api_client_pool.h"

#include <utility>

namespace duet::cluster {

ApiClientPool::ApiClientPool(const CurrentAccess& access, const sys::Clock& clock,
                             sys::Random& random, std::stop_token stop, std::size_t client_limit)
    : access_(access),
      clock_(clock),
      random_(random),
      stop_(std::move(stop)),
      client_limit_(client_limit) {}

// The client that was used last goes first: a quiet node keeps to one connection.
ApiClientPool::Loan ApiClientPool::borrow() {
  std::unique_lock lock(mutex_);
  returned_.wait(lock, [this] { return !free_.empty() || clients_.size() < client_limit_; });
  if (free_.empty()) {
    clients_.push_back(std::make_unique<ApiClient>(access_, clock_, random_, stop_));
    return {clients_.back().get(), Return{this}};
  }
  ApiClient* const client = free_.back();
  free_.pop_back();
  return {client, Return{this}};
}

void ApiClientPool::put_back(ApiClient* client) {
  const std::lock_guard lock(mutex_);
  free_.push_back(client);
  returned_.notify_one();
}

}  // namespace duet::cluster
