#include "gateway/gateway_fixture_test.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <future>
#include <mutex>

#include "gateway/control_server.h"
#include "gateway/worker.h"
#include "gateway/worker_control.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/run_command.h"

namespace duet::gateway {
namespace {

std::string build_directory() {
  const char* directory = std::getenv("DUET_BUILD_DIR");
  if (directory != nullptr) {
    return directory;
  }
  return *sys::executable_directory() + "/..";
}

}  // namespace

Result<std::string> compiled_guest(const std::string& name, engine::Use use) {
  static std::mutex mutex;
  static std::map<std::string, std::string> known;
  const std::lock_guard lock(mutex);
  if (const auto found = known.find(name); found != known.end()) {
    return found->second;
  }
  const std::string build = build_directory();
  DUET_ASSIGN(const std::string module,
              sys::read_file(build + "/guests/" + name + ".wasm", 64 << 20));
  std::vector<std::string> argv = {build + "/duet-compile"};
  if (use == engine::Use::kWagi) {
    argv.emplace_back("--wagi");
  }
  DUET_ASSIGN(sys::Output output, sys::run({.argv = argv}, module, 120'000, 64 << 20));
  if (!output.status.ok()) {
    return internal("compiling " + name + ": " + output.err);
  }
  return known[name] = std::move(output.out);
}

TestServer::TestServer(Serve serve) : serve_(std::move(serve)) {
  listener_ = std::move(*net::listen_tcp(*net::make_address("127.0.0.1", 0)));
  fcntl(listener_.get(), F_SETFL, 0);  // blocking
  const std::string address = net::format_address(*net::local_address(listener_.get()));
  port_ = std::stoi(address.substr(address.rfind(':') + 1));
  acceptor_ = std::thread([this] { accept_all(); });
}

void TestServer::accept_all() {
  for (;;) {
    sys::Fd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd.valid() || stopping_) {
      return;
    }
    ++connections_;
    auto other = std::make_shared<sys::Fd>(fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
    open_.push_back(other);
    threads_.emplace_back([this, other, fd = std::make_shared<sys::Fd>(std::move(fd))] {
      net::ServerConnection connection(std::move(*fd), {}, kTestTimeoutMs);
      serve_(connection);
      shutdown(other->get(), SHUT_RDWR);
    });
  }
}

TestServer::~TestServer() {
  stopping_ = true;
  shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  for (const auto& fd : open_) {
    shutdown(fd->get(), SHUT_RDWR);  // connections that a pool keeps would wait for a request
  }
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

void serve_echo(net::ServerConnection& connection) {
  for (;;) {
    auto next = connection.next();
    if (!next.ok() || !next->has_value()) {
      return;
    }
    const net::ServerConnection::Request& request = **next;
    auto body = connection.read_whole_body(64 << 20);
    if (!body.ok()) {
      return;
    }
    net::FieldList fields;
    for (const auto& [name, value] : request.fields) {
      fields.emplace_back("x-got-" + name, value);
    }
    const std::string query = request.query.empty() ? "" : "?" + request.query;
    if (!connection.respond(200, fields, request.method + " " + request.path + query + "\n" + *body)
             .ok()) {
      return;
    }
  }
}

RunningWorker::RunningWorker(const std::string& socket, const ClientLimits& clients,
                             const net::ResolverOptions& dns) {
  std::promise<Status> started;
  auto ready = started.get_future();
  thread_ = std::thread([this, socket, clients, dns, &started] {
    auto loop = net::EventLoop::create(clock_);
    auto worker = Worker::create(**loop, {.clients = clients,
                                          .engine = {.sandbox_limit = 64,
                                                     .core_instance_limit = 256,
                                                     .memory_limit = 64,
                                                     .table_limit = 128},
                                          .dns = dns});
    auto control = listen_control(socket);
    if (!worker.ok() || !control.ok()) {
      started.set_value(worker.ok() ? control.error() : worker.error());
      return;
    }
    WorkerControl obedience(**worker);
    ControlServer server(**loop, obedience, std::move(*control), getuid());
    Status serving = server.start();
    started.set_value(serving);
    if (serving.ok()) {
      EXPECT_TRUE((*loop)->run().ok());
    }
  });
  const Status status = ready.get();
  EXPECT_TRUE(status.ok()) << status.error().message();
}

RunningGroup::RunningGroup(std::string name, const std::string& directory,
                           const net::ResolverOptions& dns)
    : name_(std::move(name)), path_(directory + "/" + name_) {
  worker_ = std::make_unique<RunningWorker>(path_ + ".control", ClientLimits{}, dns);
  control_ = std::make_unique<ControlClient>(
      std::move(*ControlClient::connect(path_ + ".control", kTestTimeoutMs)));
  const sys::Fd socket = std::move(*listen_group(path_ + ".group"));
  EXPECT_TRUE(control_->add_listener("group", socket.get()).ok());
}

RunningGroup::~RunningGroup() {
  const Status drained = control_->drain(0);
  EXPECT_TRUE(drained.ok() || drained.error().code() == ErrorCode::kUnavailable);
  worker_.reset();
}

void RunningGroup::join(ControlClient& shared) const {
  const sys::Fd way = std::move(*sys::open_file(path_ + ".group", O_PATH));
  EXPECT_TRUE(shared.add_group(name_, way.get()).ok());
}

Status RunningGroup::set_table(RouteTable table) {
  table.listeners = {{.name = "group", .address = path_, .group = true}};
  return control_->set_table(table);
}

GatewayTest::GatewayTest() = default;
GatewayTest::~GatewayTest() = default;

void GatewayTest::SetUp() {
  directory_ = *sys::make_temporary_directory("/tmp", "duet-gateway-test-");
  running_ = std::make_unique<RunningWorker>(directory_ + "/control", clients_, dns_);
  auto control = ControlClient::connect(directory_ + "/control", kTestTimeoutMs);
  ASSERT_TRUE(control.ok()) << control.error().message();
  control_ = std::make_unique<ControlClient>(std::move(*control));
  const sys::Fd listener = std::move(*listen_tcp("127.0.0.1:0"));
  const std::string address = net::format_address(*net::local_address(listener.get()));
  port_ = std::stoi(address.substr(address.rfind(':') + 1));
  ASSERT_TRUE(control_->add_listener("web", listener.get()).ok());
  sys::Pipe pipe = std::move(*sys::make_pipe());
  ASSERT_TRUE(control_->set_access_log(pipe.write.get()).ok());
  log_ = std::move(pipe.read);
  if (std::getenv("DUET_TEST_WORKER_GROUPS") != nullptr) {
    for (const char* name : {"x", "y"}) {
      groups_.push_back(std::make_unique<RunningGroup>(name, directory_, dns_));
      groups_.back()->join(*control_);
    }
  }
}

void GatewayTest::TearDown() {
  auto control = ControlClient::connect(directory_ + "/control", kTestTimeoutMs);
  if (control.ok()) {
    const Status drained = control->drain(0);  // unless it has ended already
    EXPECT_TRUE(drained.ok() || drained.error().code() == ErrorCode::kUnavailable);
  }
  running_.reset();
  groups_.clear();
  EXPECT_TRUE(sys::remove_tree(directory_).ok());
}

void GatewayTest::set_table(RouteTable table) {
  table.listeners = {{"web", "127.0.0.1"}};
  if (!groups_.empty()) {
    table = divide(std::move(table));
  }
  const Status set = control_->set_table(table);
  ASSERT_TRUE(set.ok()) << set.error().message();
}

// Gives the groups their tables; the one of who has the clients is left.
RouteTable GatewayTest::divide(RouteTable table) {
  std::vector<RouteTable> tables(groups_.size());
  std::size_t turn = 0;
  for (RouteTable& one : tables) {
    one.services = table.services;
  }
  for (BackendConfig& backend : table.backends) {
    const bool is_handler = std::holds_alternative<HandlerBackend>(backend.kind);
    const std::size_t home = is_handler ? turn++ % groups_.size() : 0;
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      const bool elsewhere = is_handler && i != home;
      tables[i].backends.push_back(elsewhere ? BackendConfig{backend.name, GroupBackend{}}
                                             : backend);
    }
    if (is_handler) {
      backend.kind = GroupBackend{.group = groups_[home]->name()};
    }
  }
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    WorkerGroup group{.name = groups_[i]->name(), .may_ask = {}};
    for (const BackendConfig& backend : tables[i].backends) {
      if (std::holds_alternative<GroupBackend>(backend.kind)) {
        group.may_ask.push_back(backend.name);
      }
    }
    table.groups.push_back(std::move(group));
    const Status set = groups_[i]->set_table(std::move(tables[i]));
    EXPECT_TRUE(set.ok()) << set.error().message();
  }
  return table;
}

void GatewayTest::serve_all(BackendConfig backend) {
  RouteTable table;
  table.routes = {{.name = "all", .rules = {{.backends = {{.backend = backend.name}}}}}};
  table.backends = {std::move(backend)};
  set_table(std::move(table));
}

net::HttpClient GatewayTest::client() const {
  auto http = net::HttpClient::connect_tcp("127.0.0.1:" + std::to_string(port_), kTestTimeoutMs);
  EXPECT_TRUE(http.ok()) << http.error().message();
  return std::move(*http);
}

Answer GatewayTest::ask(net::HttpClient& http, const net::ClientRequest& request) const {
  auto response = http.send(request);
  if (!response.ok()) {
    return {.status = -1, .body = response.error().message()};
  }
  auto body = http.read_whole_body(64 << 20);
  return {response->status, response->fields,
          body.ok() ? *body : "broken: " + body.error().message()};
}

Answer GatewayTest::ask(const net::ClientRequest& request) const {
  net::HttpClient http = client();
  return ask(http, request);
}

std::string GatewayTest::raw(const std::string& text) const {
  auto socket = net::connect_tcp(*net::make_address("127.0.0.1", port_), kTestTimeoutMs);
  EXPECT_TRUE(socket.ok());
  EXPECT_TRUE(net::send_all(socket->get(), text).ok());
  auto all = sys::read_all(socket->get(), 64 << 20);
  return all.ok() ? *all : "broken: " + all.error().message();
}

std::string GatewayTest::raw_dribble(const std::string& begin) const {
  constexpr int kMomentMs = 5;
  constexpr int kMoments = kTestTimeoutMs / kMomentMs;
  auto socket = net::connect_tcp(*net::make_address("127.0.0.1", port_), kTestTimeoutMs);
  EXPECT_TRUE(socket.ok());
  EXPECT_TRUE(net::send_all(socket->get(), begin).ok());
  pollfd wait{.fd = socket->get(), .events = POLLIN, .revents = 0};
  for (int i = 0; i < kMoments && poll(&wait, 1, kMomentMs) == 0; ++i) {
    if (!net::send_all(socket->get(), "x").ok()) {
      break;
    }
  }
  auto all = sys::read_all(socket->get(), 64 << 20);
  return all.ok() ? *all : "broken: " + all.error().message();
}

std::string GatewayTest::add_guest(const std::string& name, engine::Use use) {
  auto code = compiled_guest(name, use);
  EXPECT_TRUE(code.ok()) << code.error().message();
  const std::string path = directory_ + "/" + name;
  EXPECT_TRUE(sys::write_file(path, *code).ok());
  const sys::Fd file = std::move(*sys::open_file(path, O_RDONLY));
  const Status added = control_->add_code(name, file.get());
  EXPECT_TRUE(added.ok()) << added.error().message();
  for (const auto& group : groups_) {
    EXPECT_TRUE(group->control().add_code(name, file.get()).ok());
  }
  return name;
}

BackendConfig GatewayTest::handler(const std::string& guest, HandlerLimits limits,
                                   engine::Use use) {
  return {guest, HandlerBackend{.code = add_guest(guest, use),
                                .use = use,
                                .limits = limits,
                                .ns = "default",
                                .log_path = directory_ + "/" + guest + ".log"}};
}

std::string GatewayTest::log_lines() {
  pollfd wait{.fd = log_.get(), .events = POLLIN, .revents = 0};
  if (poll(&wait, 1, static_cast<int>(kTestTimeoutMs)) != 1) {
    return "nothing was logged";
  }
  char text[64 << 10];
  const ssize_t got = read(log_.get(), text, sizeof(text));
  return {text, static_cast<std::size_t>(got > 0 ? got : 0)};
}

}  // namespace duet::gateway
