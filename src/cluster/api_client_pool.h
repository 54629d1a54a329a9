#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <stop_token>
#include <vector>

#include "cluster/access.h"
#include "cluster/api_client.h"
#include "sys/clock.h"
#include "sys/randomness.h"

namespace duet::cluster {

// Clients of one API server, so that several threads can ask it at a time, each over a connection
// of its own. Thread-safe.
class ApiClientPool {
 public:
  // A client for its holder alone, until it goes.
  struct Return {
    ApiClientPool* pool;
    void operator()(ApiClient* client) const { pool->put_back(client); }
  };
  using Loan = std::unique_ptr<ApiClient, Return>;

  // At most `client_limit` (at least 1) clients, made as they are needed, with default options.
  // `access`, `clock` and `random` must outlive this, and this its loans. A stop ends what waits
  // for the server.
  ApiClientPool(const CurrentAccess& access, const sys::Clock& clock, sys::Random& random,
                std::stop_token stop, std::size_t client_limit);
  ApiClientPool(const ApiClientPool&) = delete;
  ApiClientPool& operator=(const ApiClientPool&) = delete;

  // Waits while all are lent.
  Loan borrow();

 private:
  void put_back(ApiClient* client);

  const CurrentAccess& access_;
  const sys::Clock& clock_;
  sys::Random& random_;
  std::stop_token stop_;
  std::size_t client_limit_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<ApiClient>> clients_;
  std::vector<ApiClient*> free_;  // the one that was used last is the last one
};

}  // namespace duet::cluster
