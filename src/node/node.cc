#include "node/node.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "api/server.h"
#include "cluster/service_source.h"
#include "container/masquerade.h"
#include "node/cluster_side.h"
#include "node/host.h"
#include "node/node_images.h"
#include "node/node_names.h"
#include "observe/exposition.h"
#include "oci/content_store.h"
#include "pod/container_runtime.h"
#include "pod/image_garbage.h"
#include "pod/image_preparer.h"
#include "pod/pods.h"
#include "pod/unavailable_runtime.h"
#include "pod/wasm_runtime.h"
#include "route/route_controller.h"
#include "sys/file.h"
#include "sys/process.h"
#include "wasm/code_cache.h"
#include "workload/deployment.h"

namespace duet::node {

namespace {

constexpr uid_t kGatewayUser = 65534;
constexpr const char* kGatewayGroup = "/duet/gateway";
constexpr std::int64_t kDrainMs = 5'000;
constexpr std::int64_t kStopLimitMs = 60'000;
constexpr std::chrono::seconds kLockPatience{3};

// Members stand in the order in which they need each other; they go in the reverse one.
class WholeNode final : public Node {
 public:
  WholeNode(NodeConfig config, NodeReports reports)
      : config_(std::move(config)),
        reports_(std::move(reports)),
        handlers_([this] { wake_routes(); }) {}

  Status begin() {
    DUET_ASSIGN(helpers_, sys::executable_directory());
    DUET_TRY(sys::raise_descriptor_limit());
    DUET_TRY(take_folders());
    DUET_ASSIGN(store_, store::Store::open(config_.paths.database(), clock_));
    DUET_TRY(open_images());
    host_ = examine_host(config_, helpers_);
    for (const auto& problem : host_.problems) {
      reports_.log(problem);
    }
    if (!host_.network_note.empty()) {
      reports_.log(host_.network_note);
    }
    DUET_TRY(start_pods());
    deployments_ = workload::start_deployments(*store_, clock_, random_, reports_.log);
    DUET_TRY(start_routes());
    DUET_ASSIGN(api_, api::Server::start(api_context(), {.socket_path = config_.paths.socket}));
    DUET_TRY(join_cluster());
    if (!config_.manifests.empty()) {
      DUET_ASSIGN(folder_, source::FolderSource::start(*store_, {.paths = config_.manifests},
                                                       reports_.folder));
    }
    return {};
  }

  ~WholeNode() override {
    cluster_.reset();
    folder_.reset();
    api_.reset();
    {
      const std::lock_guard lock(routes_mutex_);
      routes_gone_ = true;
    }
  }

  Status stop_site() override {
    cluster_.reset();
    folder_.reset();
    deployments_.reset();
    const Status gateway = routes_->stop_gateway(kDrainMs);
    const Status pods = pods_->stop_all(kStopLimitMs);
    if (pods.ok() && host_.masqueraded) {
      DUET_TRY(container::stop_masquerading(*host_.masqueraded));
    }
    return gateway.ok() ? pods : gateway;
  }

  store::Store& store() override { return *store_; }

 private:
  Status take_folders() {
    DUET_TRY(sys::make_directories(config_.paths.state, 0700));
    DUET_TRY(sys::make_directories(config_.paths.run, 0700));
    DUET_ASSIGN(lock_, sys::open_file(config_.paths.run + "/agent.lock", O_RDWR | O_CREAT, 0600));
    // A child of an agent that was killed a moment ago has its descriptors until it is a program.
    const auto deadline = clock_.monotonic() + kLockPatience;
    while (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
      if (clock_.monotonic() >= deadline) {
        return Error(ErrorCode::kAlreadyExists,
                     "another agent runs on " + config_.paths.run +
                         "; stop it, or give this one a --run-dir and a --state-dir of its own");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return {};
  }

  Status open_images() {
    DUET_ASSIGN(auto images, oci::ContentStore::open(config_.paths.images()));
    content_ = std::make_unique<oci::ContentStore>(std::move(images));
    DUET_ASSIGN(code_, wasm::CodeCache::open({.directory = config_.paths.code(),
                                              .key_file = config_.paths.key_file(),
                                              .compiler = helpers_ + "/duet-compile",
                                              .report = reports_.log},
                                             clock_));
    return {};
  }

  Status start_pods() {
    pod::ImagePreparerOptions preparing{.async_handlers = config_.async_handlers,
                                        .report = reports_.log};
    preparing.pull.helper.program = helpers_ + "/duet-pull";
    preparing.pull.auth_file = config_.registry_auth_file;
    preparing.pull.ca_file = config_.registry_ca_file;
    preparing.pull.plain_http_registries = config_.plain_http_registries;
    preparer_ =
        std::make_unique<pod::ImagePreparer>(*content_, host_.layers.get(), *code_, preparing);
    images_ = pod::Images::start(
        [this](const auto& request, pod::ImageSource source, const std::stop_token& stop) {
          return preparer_->prepare(request, source, stop);
        },
        clock_, {.revision = [this] { return content_->revision(); }});
    garbage_ = std::make_unique<pod::ImageGarbage>(
        *content_, host_.layers.get(), config_.paths.state, clock_,
        pod::ImageGarbageOptions{.report = reports_.log});
    garbage_->start();
    prober_ = pod::Prober::start();
    hooks_ = pod::Hooks::start();
    const sys::Cgroups* cgroups = host_.cgroups ? &*host_.cgroups : nullptr;
    sandboxes_ = std::make_unique<pod::Sandboxes>(pod::SandboxOptions{
        .monitor_executable = helpers_ + "/duet-monitor",
        .cgroups = cgroups,
        .cni = host_.cni ? &*host_.cni : nullptr,
        .network_problem = Error(ErrorCode::kUnavailable, host_.network_problem),
        .addresses_handlers = host_.machines_network && host_.cni,
        .host_ip = host_.address});
    programs_ = std::make_unique<pod::WasmRuntime>(helpers_ + "/duet-sandbox", *code_, cgroups);
    if (host_.runs_containers()) {
      containers_ =
          std::make_unique<pod::ContainerRuntime>(*host_.oci_runtime, *host_.bundle_host, *cgroups);
    } else {
      containers_ = std::make_unique<pod::UnavailableRuntime>(host_.runtime_problem);
    }
    pod::PodContext context{
        .store = *store_,
        .clock = clock_,
        .images = *images_,
        .sandboxes = *sandboxes_,
        .containers = *containers_,
        .programs = *programs_,
        .handlers = handlers_,
        .prober = *prober_,
        .actions = actions_,
        .hooks = *hooks_,
        .paths = {config_.paths.state, config_.paths.run, config_.paths.logs},
        .node_name = node_name(config_),
        .wasm_node_name = wasm_node_name(config_),
        .architecture = kubernetes_architecture(),
        .runtime_name = host_.oci_runtime ? host_.oci_runtime->name() : "",
        .gateway_uid = kGatewayUser,
        .gateway_gid = kGatewayUser,
        .services_known = [this] { return services_known_.load(); },
    };
    DUET_ASSIGN(const bool known, cluster::knew_services(*store_));
    services_known_ = known || !config_.join.wanted();
    DUET_ASSIGN(pods_, pod::Pods::start(std::move(context), {.log = reports_.log}));
    return {};
  }

  Status join_cluster() {
    if (!config_.join.wanted()) {
      return {};
    }
    DUET_ASSIGN(cluster_, ClusterSide::start({.config = config_,
                                              .host = host_,
                                              .store = *store_,
                                              .clock = clock_,
                                              .random = random_,
                                              .api = api_context(),
                                              .images = node_images(*content_),
                                              .presence = [this](bool away) { note_cluster(away); },
                                              .services_heard = [this] { services_known_ = true; },
                                              .log = reports_.log}));
    return {};
  }

  api::Context api_context() {
    return {.store = *store_, .pods = pods_.get(), .clock = clock_, .metrics = [this] {
              return metrics();
            }};
  }

  Status start_routes() {
    route::RouteController::Options options{.log = reports_.log, .served = reports_.routes};
    options.defaults.request_bytes = config_.max_request_bytes;
    options.defaults.compress = config_.compression == "gzip";
    options.ca_file = config_.gateway_ca_file;
    if (config_.join.wanted()) {
      options.cluster_is_away = [this] { return cluster_is_away_.load(); };
    }
    options.gateway.executable = helpers_ + "/duet-gateway";
    options.gateway.run_directory = config_.paths.run + "/gateway";
    options.gateway.workers = config_.gateway_workers;
    options.gateway.log_directory = config_.paths.logs;
    options.gateway.access_log = config_.access_log;
    DUET_TRY(sys::make_directories(config_.paths.logs, 0755));
    if (host_.cgroups) {
      DUET_TRY(host_.cgroups->create(kGatewayGroup));
      options.gateway.cgroup_procs_files = host_.cgroups->procs_files(kGatewayGroup);
    }
    options.tenants.directory = config_.paths.run + "/tenants";
    options.tenants.limit = static_cast<std::size_t>(config_.max_tenants);
    options.tenants.cgroups = host_.cgroups ? &*host_.cgroups : nullptr;
    if (::geteuid() == 0) {
      options.gateway.user = std::to_string(kGatewayUser) + ":" + std::to_string(kGatewayUser);
    }
    options.folders = {.roots = config_.static_roots, .config_maps = config_.paths.run + "/static"};
    DUET_TRY(sys::make_directories(options.folders.config_maps, 0755));
    options.gateway.file_roots = {options.folders.config_maps};
    for (const auto& [name, path] : config_.static_roots) {
      options.gateway.file_roots.push_back(path);
    }
    add_listeners(options.gateway);
    options.gateway.forwarding = {.trusted_proxies = config_.trusted_proxies,
                                  .standard = config_.forwarded_field == "Forwarded"};
    auto routes =
        route::RouteController::start(*store_, handlers_, *code_, clock_, std::move(options));
    if (!routes.ok()) {
      return routes.error();
    }
    const std::lock_guard lock(routes_mutex_);
    routes_ = std::move(*routes);
    return {};
  }

  void add_listeners(route::GatewayOptions& options) const {
    const auto add = [this, &options](const char* scheme, const std::string& address, bool tls) {
      const auto& proxied = config_.proxy_protocol;
      options.listeners.push_back(
          {.name = scheme + ("-" + address),
           .address = address,
           .tls = tls,
           .proxy_protocol = std::find(proxied.begin(), proxied.end(), address) != proxied.end()});
    };
    for (const auto& address : config_.listen) {
      add("http", address, false);
    }
    for (const auto& address : config_.listen_tls) {
      add("https", address, true);
    }
  }

  // The node's own metrics, then those of the gateway.
  std::string metrics() const {
    const auto gateway = routes_->gateway_metrics();
    observe::Exposition out;
    out.family("duet_build_info", "gauge", "Always 1; the version stands in the label.");
    out.sample({{"version", DUET_VERSION}}, 1);
    out.family("duet_gateway_up", "gauge", "Whether the gateway answers.");
    out.sample({}, gateway.ok() ? 1 : 0);
    return out.take() + gateway.value_or("");
  }

  void note_cluster(bool away) {
    cluster_is_away_ = away;
    wake_routes();
  }

  void wake_routes() {
    const std::lock_guard lock(routes_mutex_);
    if (routes_ && !routes_gone_) {
      routes_->wake();
    }
  }

  NodeConfig config_;
  NodeReports reports_;
  sys::SystemClock clock_;
  sys::SystemRandom random_;
  std::string helpers_;
  sys::Fd lock_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<oci::ContentStore> content_;
  std::unique_ptr<wasm::CodeCache> code_;
  Host host_;
  std::unique_ptr<pod::ImagePreparer> preparer_;
  std::unique_ptr<pod::Images> images_;
  std::unique_ptr<pod::ImageGarbage> garbage_;
  std::unique_ptr<pod::Sandboxes> sandboxes_;
  std::unique_ptr<pod::Runtime> programs_;
  std::unique_ptr<pod::Runtime> containers_;
  pod::NetworkActions actions_;
  // These run actions on threads of their own.
  std::unique_ptr<pod::Prober> prober_;
  std::unique_ptr<pod::Hooks> hooks_;
  std::mutex routes_mutex_;
  std::atomic<bool> cluster_is_away_ = true;  // until it answered
  std::atomic<bool> services_known_ = false;  // what the cluster's pods find in their environment
  bool routes_gone_ = false;
  pod::Handlers handlers_;
  std::unique_ptr<route::RouteController> routes_;
  std::unique_ptr<pod::Pods> pods_;
  std::unique_ptr<store::Controller> deployments_;
  std::unique_ptr<api::Server> api_;
  std::unique_ptr<source::FolderSource> folder_;
  std::unique_ptr<ClusterSide> cluster_;
};

}  // namespace

Result<std::unique_ptr<Node>> Node::start(const NodeConfig& config, NodeReports reports) {
  auto node = std::make_unique<WholeNode>(config, std::move(reports));
  DUET_TRY(node->begin());
  return std::unique_ptr<Node>(std::move(node));
}

}  // namespace duet::node
