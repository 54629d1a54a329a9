#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "gateway/config.h"
#include "gateway/exchange.h"
#include "gateway/route_index.h"

namespace duet::gateway {

// A route table in use: routes that can be searched and backends that can be asked. Immutable but
// for what backends count; kept alive by the requests that began with it.
class ActiveTable {
 public:
  using Backends = std::unordered_map<std::string, std::shared_ptr<Backend>>;

  // `make` is asked for each backend of the table by its place in it; what it gives may be shared
  // with other tables.
  static Result<std::shared_ptr<const ActiveTable>> build(
      RouteTable table,
      const std::function<Result<std::shared_ptr<Backend>>(const BackendConfig&)>& make);

  const RouteTable& config() const { return config_; }
  const RouteIndex& index() const { return *index_; }

  struct Choice {
    Backend* backend = nullptr;  // null: no backend has weight, or it does not exist
    const WeightedBackend* reference = nullptr;
    const std::vector<Backend*>* before = nullptr;  // handlers that stand before it; null: none
  };
  // The backend for a request that `rule` matched; `random` is any number.
  Choice choose(const Rule& rule, std::uint32_t random) const;

  // By its name; null: there is none.
  std::shared_ptr<Backend> backend(const std::string& name) const;
  // A backend of a service as a handler in namespace `ns` names it, drawn by the weights; `random`
  // is any number. Null: no such service.
  Backend* service(std::string_view host, int port, std::string_view ns,
                   std::uint32_t random) const;

 private:
  ActiveTable() = default;
  struct Weighted {
    std::uint64_t until = 0;  // of the running sum of weights
    Choice choice;
  };
  static Choice draw(const std::vector<Weighted>& weights, std::uint32_t random);
  RouteTable config_;
  std::unique_ptr<RouteIndex> index_;
  Backends backends_;
  Status add_weights(const Rule& rule);
  Result<const std::vector<Backend*>*> handlers_before(const Rule& rule,
                                                       const WeightedBackend& reference);
  std::unordered_map<const Rule*, std::vector<Weighted>> weights_;
  std::vector<std::unique_ptr<std::vector<Backend*>>> before_;       // what choices point to
  std::unordered_map<std::string, std::vector<Weighted>> services_;  // "name.ns:port"
};

}  // namespace duet::gateway
