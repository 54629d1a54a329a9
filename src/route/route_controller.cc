#include "route/route_controller.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "object/codec.h"
#include "route/authorities_file.h"
#include "route/decoded_list.h"
#include "route/pace.h"
#include "route/route_status.h"
#include "route/table_builder.h"
#include "store/controller.h"
#include "sys/file.h"

namespace duet::route {

namespace {

using object::Kind;
using store::Controller;

constexpr const char* kKey = "gateway/routes";  // one piece of work for everything
constexpr std::int64_t kRotateCheckMs = 60'000;

// Every object of `kind` that can be read.
template <typename Object, typename Decode>
Status list_all(store::Store& store, Kind kind, Decode decode, std::vector<Object>& into) {
  DUET_ASSIGN(const auto listing, store.list(kind));
  for (const auto& one : listing.objects) {
    auto decoded = decode(one.json);
    if (decoded.ok()) {
      into.push_back(std::move(*decoded));
    }
  }
  return {};
}

// The same of a kind of which there may be thousands.
template <typename Object>
Status list_many(store::Store& store, Kind kind, DecodedList<Object>& decoded,
                 std::vector<Object>& into) {
  DUET_ASSIGN(const auto listing, store.list(kind));
  into = decoded.take(listing.objects);
  return {};
}

Result<object::Meta> decode_namespace(const std::string& json) {
  const auto parsed = nlohmann::json::parse(json, nullptr, false);
  if (parsed.is_discarded()) {
    return invalid("a namespace is not JSON");
  }
  return object::decode_meta(parsed);
}

class StoreRouteController final : public RouteController {
 public:
  StoreRouteController(store::Store& store, const pod::Handlers& handlers, wasm::CodeCache& cache,
                       const sys::Clock& clock, Options options)
      : store_(store),
        handlers_(handlers),
        clock_(clock),
        options_(std::move(options)),
        started_(clock.monotonic()),
        pace_(clock),
        authorities_(options_.ca_file),
        gateways_(options_.gateway, options_.tenants, cache, clock) {}

  Status begin() {
    stir_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!stir_.valid()) {
      return Error::from_errno("make an eventfd", errno);
    }
    watcher_ = std::thread([this] { watch_gateway(); });
    store::ControllerOptions options{
        .name = "routes",
        .kinds = {Kind::kIngress, Kind::kHttpRoute, Kind::kService, Kind::kEndpointSlice,
                  Kind::kSecret, Kind::kConfigMap, Kind::kPod, Kind::kNamespace},
        .worker_limit = 1,
        .resync_ms = kRotateCheckMs};
    auto controller = Controller::start(
        store_, options, [](const store::WatchEvent&) { return std::vector<std::string>{kKey}; },
        [this](const std::string&) { return reconcile(); }, options_.log);
    {
      const std::lock_guard lock(mutex_);
      controller_ = std::move(controller);
    }
    wake();  // an empty store wakes nobody, and the front door must be open all the same
    return {};
  }

  ~StoreRouteController() override {
    std::unique_ptr<Controller> controller;
    {
      const std::lock_guard lock(mutex_);
      controller.swap(controller_);
      stopping_ = true;
    }
    controller.reset();
    ::eventfd_write(stir_.get(), 1);
    watcher_.join();
  }

  void wake() override {
    const std::lock_guard lock(mutex_);
    if (controller_) {
      controller_->wake(kKey);
    }
  }

  Result<std::string> gateway_metrics() const override { return gateways_.metrics(); }

  Status stop_gateway(std::int64_t timeout_ms) override {
    std::unique_ptr<Controller> controller;
    {
      const std::lock_guard lock(mutex_);
      controller.swap(controller_);
      stopping_ = true;
    }
    controller.reset();
    const std::lock_guard lock(gateway_mutex_);
    return gateways_.stop(timeout_ms);
  }

 private:
  Result<Controller::Next> reconcile() {
    if (const std::int64_t wait_ms = pace_.begin(); wait_ms > 0) {
      return Controller::Next{wait_ms};
    }
    DUET_ASSIGN(SiteObjects site, read_site());
    if (handlers_are_missing(site)) {
      return Controller::Next{50};
    }
    std::vector<object::Meta> namespaces;
    DUET_TRY(list_all(store_, Kind::kNamespace, decode_namespace, namespaces));
    BuiltTable built = build_table(site);
    keep(site);
    read_authorities();
    built.table.authorities_pem = authorities_.text();
    GroupTables tables =
        divide_by_tenant(built.table, namespaces, options_.tenants.limit, built.problems);
    tables.pod_listeners = std::move(built.pod_listeners);
    pace_.end();  // the gateways' part takes their time
    built.problems.insert(built.problems.end(), gateway_problems_.begin(), gateway_problems_.end());
    report(built.problems);
    DUET_TRY(write_status(built.problems));
    const std::lock_guard lock(gateway_mutex_);
    gateways_.tidy();
    if (!serving_ || tables != last_ || gateways_.ended_fds().empty() || gateways_.any_ended()) {
      std::map<std::string, std::string> problems;
      DUET_TRY(write_config_maps(site.folders, site.config_maps, built.table));
      DUET_TRY(gateways_.serve(tables, problems));
      DUET_TRY(remove_unused_config_maps(site.folders, built.table));
      serving_ = problems.empty() && gateways_.unopened().empty();
      last_ = tables;
      built.table.listeners = gateways_.listeners();
      // Others are told of the front door.
      std::erase_if(built.table.routes, [](const auto& one) { return !one.listeners.empty(); });
      built.table.certificates.clear();  // nobody else needs the keys
      options_.served(built.table);
      ::eventfd_write(stir_.get(), 1);
      gateway_problems_.clear();
      note_tenants(problems, namespaces);
      note_pods(tables.pod_listeners);
      built.problems.insert(built.problems.end(), gateway_problems_.begin(),
                            gateway_problems_.end());
      report(built.problems);
    }
    config_maps_.keep(std::move(site.config_maps));
    return serving_ ? Controller::Next{} : Controller::Next{gateways_.retry_ms()};
  }

  // What the routes are made of, as it is now.
  Result<SiteObjects> read_site() {
    SiteObjects site;
    DUET_TRY(list_all(store_, Kind::kIngress, object::decode_ingress, site.ingresses));
    DUET_TRY(list_all(store_, Kind::kHttpRoute, object::decode_http_route, site.http_routes));
    DUET_TRY(list_many(store_, Kind::kService, services_, site.services));
    DUET_TRY(list_many(store_, Kind::kEndpointSlice, slices_, site.endpoint_slices));
    DUET_TRY(list_many(store_, Kind::kSecret, secrets_, site.secrets));
    DUET_TRY(list_many(store_, Kind::kConfigMap, config_maps_, site.config_maps));
    DUET_TRY(list_many(store_, Kind::kPod, pods_, site.pods));
    site.handlers = handlers_.list();
    site.now_s =
        std::chrono::duration_cast<std::chrono::seconds>(clock_.now().time_since_epoch()).count();
    site.cluster_is_away = options_.cluster_is_away && options_.cluster_is_away();
    site.defaults = options_.defaults;
    site.folders = options_.folders;
    std::erase_if(site.folders.roots,
                  [](const auto& root) { return !sys::file_exists(root.second); });
    return site;
  }

  // What the next pass need not decode again, of what this one is done with.
  void keep(SiteObjects& site) {
    services_.keep(std::move(site.services));
    slices_.keep(std::move(site.endpoint_slices));
    secrets_.keep(std::move(site.secrets));
    pods_.keep(std::move(site.pods));
  }

  // Tenants that could not be served: an Event for each of their namespaces.
  void note_tenants(const std::map<std::string, std::string>& problems,
                    const std::vector<object::Meta>& namespaces) {
    for (const auto& one : namespaces) {
      const auto label = one.labels.find(kTenantLabel);
      const auto problem =
          label == one.labels.end() ? problems.end() : problems.find(label->second);
      if (problem != problems.end()) {
        gateway_problems_.push_back({{Kind::kNamespace, "", one.name},
                                     one.uid,
                                     "TenantNotServed",
                                     "the gateway of tenant " + problem->first + ": " +
                                         problem->second + "; its handlers answer 503"});
      }
    }
  }

  // Ports of handlers that could not be opened at their pods' addresses: an Event for each.
  void note_pods(const std::vector<PodListener>& listeners) {
    for (const auto& one : listeners) {
      const auto problem = gateways_.unopened().find(one.listener.name);
      if (problem != gateways_.unopened().end()) {
        gateway_problems_.push_back(
            {one.pod, one.uid, "PodPortNotOpen",
             "it is not answered at " + one.listener.address + ": " + problem->second});
      }
    }
  }

  // After a restart of the agent the gateway serves handlers that the pods have not told us of yet:
  // their routes must not be taken away for a moment.
  bool handlers_are_missing(const SiteObjects& site) const {
    const auto age = clock_.monotonic() - started_;
    if (serving_ || age > std::chrono::milliseconds(options_.settle_ms)) {
      return false;
    }
    return std::any_of(site.pods.begin(), site.pods.end(), [&](const auto& pod) {
      return pod.status.phase == "Running" && pod.meta.deletion_timestamp.empty() &&
             has_unloaded_handler(pod);
    });
  }

  bool has_unloaded_handler(const object::Pod& pod) const {
    return std::any_of(pod.status.container_statuses.begin(), pod.status.container_statuses.end(),
                       [&](const auto& status) {
                         // Only handlers run without an ID.
                         return status.state.type == object::ContainerState::Type::kRunning &&
                                status.container_id.empty() &&
                                !handlers_.has(pod.meta.uid, status.name);
                       });
  }

  // A change of the file goes live with the next resync.
  void read_authorities() {
    const Status read = authorities_.read();
    const std::string problem = read.ok() ? "" : read.error().message();
    if (problem != authorities_problem_ && !problem.empty()) {
      options_.log(problem);
    }
    authorities_problem_ = problem;
  }

  void report(const std::vector<RouteProblem>& problems) {
    for (const auto& problem : problems) {
      const std::string text = problem.about.ns + "/" + problem.about.name + ": " + problem.message;
      if (std::find(reported_.begin(), reported_.end(), text) == reported_.end()) {
        options_.log(text);
        (void)store_.record_event(problem.about, problem.uid, "Warning", problem.reason,
                                  problem.message);
      }
    }
    reported_.clear();
    for (const auto& problem : problems) {
      reported_.push_back(problem.about.ns + "/" + problem.about.name + ": " + problem.message);
    }
  }

  // What the routes' conditions are now. A route that is gone meanwhile needs none.
  Status write_status(const std::vector<RouteProblem>& problems) {
    DUET_ASSIGN(const auto listing, store_.list(Kind::kHttpRoute));
    const std::string now = sys::format_rfc3339(clock_.now());
    for (const auto& route : listing.objects) {
      const auto status = http_route_status(route, problems, now);
      if (!status) {
        continue;
      }
      const auto written = store_.update_status(route.key, route.uid, *status);
      if (!written.ok() && written.error().code() != ErrorCode::kNotFound) {
        return written.error();
      }
    }
    return {};
  }

  // Wakes the controller when the gateway ends, so that it is replaced at once.
  void watch_gateway() {
    for (;;) {
      std::vector<sys::Fd> held;
      std::vector<pollfd> fds = {{stir_.get(), POLLIN, 0}};
      {
        const std::lock_guard lock(gateway_mutex_);
        for (const int fd : gateways_.any_ended() ? std::vector<int>() : gateways_.ended_fds()) {
          held.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
          fds.push_back({held.back().get(), POLLIN, 0});
        }
      }
      ::poll(fds.data(), fds.size(), -1);
      eventfd_t count = 0;
      ::eventfd_read(stir_.get(), &count);
      {
        const std::lock_guard lock(mutex_);
        if (stopping_) {
          return;
        }
      }
      const bool ended = std::any_of(fds.begin() + 1, fds.end(),
                                     [](const pollfd& gateway) { return gateway.revents != 0; });
      if (ended) {
        options_.log("a gateway ended, starting another");
        wake();
      }
    }
  }

  store::Store& store_;
  const pod::Handlers& handlers_;
  const sys::Clock& clock_;
  Options options_;
  sys::MonotonicTime started_;
  Pace pace_;
  DecodedList<object::Service> services_{object::decode_service};
  DecodedList<object::EndpointSlice> slices_{object::decode_endpoint_slice};
  DecodedList<object::Secret> secrets_{object::decode_secret};
  DecodedList<object::ConfigMap> config_maps_{object::decode_config_map};
  DecodedList<object::Pod> pods_{object::decode_pod};
  AuthoritiesFile authorities_;
  std::string authorities_problem_;  // that was told last
  std::mutex gateway_mutex_;
  Gateways gateways_;
  bool serving_ = false;
  GroupTables last_;
  std::vector<std::string> reported_;
  std::vector<RouteProblem> gateway_problems_;  // of the last serve()
  sys::Fd stir_;
  std::mutex mutex_;
  std::unique_ptr<Controller> controller_;
  bool stopping_ = false;
  std::thread watcher_;
};

}  // namespace

Result<std::unique_ptr<RouteController>> RouteController::start(store::Store& store,
                                                                const pod::Handlers& handlers,
                                                                wasm::CodeCache& cache,
                                                                const sys::Clock& clock,
                                                                Options options) {
  auto controller =
      std::make_unique<StoreRouteController>(store, handlers, cache, clock, std::move(options));
  DUET_TRY(controller->begin());
  return std::unique_ptr<RouteController>(std::move(controller));
}

}  // namespace duet::route
