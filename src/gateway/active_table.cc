#include "gateway/active_table.h"

namespace duet::gateway {
namespace {

std::string service_key(std::string_view name, std::string_view ns, int port) {
  std::string key(name);
  key.append(".").append(ns).append(":").append(std::to_string(port));
  return key;
}

}  // namespace

Result<std::shared_ptr<const ActiveTable>> ActiveTable::build(
    RouteTable table,
    const std::function<Result<std::shared_ptr<Backend>>(const BackendConfig&)>& make) {
  std::shared_ptr<ActiveTable> active(new ActiveTable());
  active->config_ = std::move(table);
  DUET_ASSIGN(RouteIndex index, RouteIndex::build(active->config_));
  active->index_ = std::make_unique<RouteIndex>(std::move(index));
  for (const BackendConfig& config : active->config_.backends) {
    auto made = make(config);
    if (!made.ok()) {
      return made.error().wrap("backend " + config.name);
    }
    if (!active->backends_.emplace(config.name, std::move(*made)).second) {
      return invalid("backend " + config.name + " stands twice in the table");
    }
  }
  for (const Route& route : active->config_.routes) {
    for (const Rule& rule : route.rules) {
      DUET_TRY(active->add_weights(rule));
    }
  }
  for (const Service& service : active->config_.services) {
    auto& weights = active->services_[service_key(service.name, service.ns, service.port)];
    const std::uint64_t sum = weights.empty() ? 0 : weights.back().until;
    if (Backend* backend = active->backend(service.backend).get();
        backend != nullptr && service.weight > 0) {
      weights.push_back({sum + service.weight, {.backend = backend}});
    }
  }
  return std::shared_ptr<const ActiveTable>(std::move(active));
}

Status ActiveTable::add_weights(const Rule& rule) {
  std::uint64_t sum = 0;
  std::vector<Weighted>& weights = weights_[&rule];
  for (const WeightedBackend& reference : rule.backends) {
    if (reference.weight > 0) {
      sum += reference.weight;
      DUET_ASSIGN(const auto* before, handlers_before(rule, reference));
      weights.push_back({sum, {backend(reference.backend).get(), &reference, before}});
    }
  }
  return {};
}

// The rule's handlers, then the reference's; null: there are none.
Result<const std::vector<Backend*>*> ActiveTable::handlers_before(
    const Rule& rule, const WeightedBackend& reference) {
  auto before = std::make_unique<std::vector<Backend*>>();
  for (const Filters* filters : {&rule.filters, &reference.filters}) {
    for (const std::string& name : filters->handlers) {
      before->push_back(backend(name).get());
      if (before->back() == nullptr) {
        return invalid("the filter " + name + " names no backend of the table");
      }
    }
  }
  if (before->empty()) {
    return static_cast<const std::vector<Backend*>*>(nullptr);
  }
  before_.push_back(std::move(before));
  return static_cast<const std::vector<Backend*>*>(before_.back().get());
}

ActiveTable::Choice ActiveTable::choose(const Rule& rule, std::uint32_t random) const {
  const auto found = weights_.find(&rule);
  return found == weights_.end() ? Choice{} : draw(found->second, random);
}

ActiveTable::Choice ActiveTable::draw(const std::vector<Weighted>& weights, std::uint32_t random) {
  if (weights.empty()) {
    return {};
  }
  const std::uint64_t point = random % weights.back().until;
  for (const Weighted& weighted : weights) {
    if (point < weighted.until) {
      return weighted.choice;
    }
  }
  return {};
}

std::shared_ptr<Backend> ActiveTable::backend(const std::string& name) const {
  const auto found = backends_.find(name);
  return found == backends_.end() ? nullptr : found->second;
}

Backend* ActiveTable::service(std::string_view host, int port, std::string_view ns,
                              std::uint32_t random) const {
  const std::string plain = normalize_host(host);
  std::string_view rest = plain;
  const std::size_t dot = rest.find('.');
  const std::string_view name = rest.substr(0, dot);
  std::string_view space = ns;
  if (dot != std::string_view::npos) {
    rest.remove_prefix(dot + 1);
    const std::size_t end = rest.find('.');
    space = rest.substr(0, end);
    const std::string_view suffix = end == std::string_view::npos ? "" : rest.substr(end);
    if (!suffix.empty() && suffix != ".svc" && suffix != ".svc.cluster.local") {
      return nullptr;
    }
  }
  const auto found = services_.find(service_key(name, space, port));
  return found == services_.end() ? nullptr : draw(found->second, random).backend;
}

}  // namespace duet::gateway
