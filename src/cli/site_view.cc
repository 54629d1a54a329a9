#include "cli/site_view.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "cli/json_text.h"
#include "cli/pod_summary.h"
#include "cli/table.h"
#include "object/kind.h"

namespace duet::cli {

namespace {

constexpr const char* kDim = "\033[2m";
constexpr const char* kRed = "\033[31m";
constexpr const char* kGreen = "\033[32m";
constexpr const char* kYellow = "\033[33m";
constexpr const char* kPlain = "\033[0m";

std::string paths_of(const gateway::Match& match) {
  using Type = gateway::PathMatch::Type;
  return match.path.value +
         (match.path.type == Type::kPrefix && match.path.value != "/" ? "..." : "");
}

std::string targets_of(const gateway::Rule& rule) {
  if (rule.filters.redirect) {
    return "redirect " + std::to_string(rule.filters.redirect->status);
  }
  std::string out;
  for (const auto& backend : rule.backends) {
    out += (out.empty() ? "" : ", ") + backend.backend;
  }
  return out;
}

// "http://host:port" by which a person reaches the route.
std::string origin_of(const gateway::Route& route, const gateway::RouteTable& table) {
  std::string address = table.listeners.empty() ? "" : table.listeners.front().address;
  if (address.starts_with("0.0.0.0:")) {
    address.replace(0, 7, "localhost");
  }
  if (!route.hostnames.empty()) {
    address =
        route.hostnames.front() + address.substr(std::min(address.rfind(':'), address.size()));
  }
  return "http://" + address;
}

struct PodLine {
  PodSummary summary;
  std::string ip;
};

}  // namespace

std::vector<std::vector<std::string>> describe_routes(const gateway::RouteTable& table) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& route : table.routes) {
    for (const auto& rule : route.rules) {
      std::vector<gateway::Match> matches = rule.matches;
      if (matches.empty()) {
        matches.emplace_back();
      }
      for (const auto& match : matches) {
        rows.push_back({origin_of(route, table) + paths_of(match), route.name, targets_of(rule)});
      }
    }
  }
  return rows;
}

struct SiteView::State {
  State(Style the_style, const sys::Clock& the_clock, Write the_write)
      : style(the_style), clock(the_clock), write(std::move(the_write)) {}

  const Style style;
  const sys::Clock& clock;
  const Write write;
  std::mutex mutex;
  size_t drawn_lines = 0;  // of the live table
  std::map<std::string, PodLine> pods;
  std::vector<std::vector<std::string>> routes;
  std::unique_ptr<store::Watch> watch;
  std::atomic<bool> stopping{false};
  std::thread thread;

  // All below with the mutex held.
  void erase_table() {
    if (drawn_lines > 0) {
      write("\033[" + std::to_string(drawn_lines) + "A\033[J");
      drawn_lines = 0;
    }
  }

  void say(const std::string& text, const char* colour = kPlain) {
    erase_table();
    write(style == Style::kLive ? colour + text + kPlain + "\n" : text + "\n");
    draw_table();
  }

  void draw_table() {
    if (style != Style::kLive || (pods.empty() && routes.empty())) {
      return;
    }
    std::vector<Row> rows = {{"POD", "READY", "STATUS", "RESTARTS", "IP"}};
    for (const auto& [name, pod] : pods) {
      rows.push_back({name, pod.summary.ready, pod.summary.status, pod.summary.restarts, pod.ip});
    }
    std::string text = "\n" + format_table(rows);
    if (!routes.empty()) {
      std::vector<Row> table = {{"ROUTE", "FROM", "TO"}};
      table.insert(table.end(), routes.begin(), routes.end());
      text += "\n" + format_table(table);
    }
    drawn_lines = static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
    write(text);
  }

  static const char* colour_of(const std::string& status) {
    if (status == "Running" || status == "Completed") {
      return kGreen;
    }
    const bool trouble = status.find("Err") != std::string::npos ||
                         status.find("BackOff") != std::string::npos ||
                         status.find("OOM") != std::string::npos;
    return trouble ? kRed : kYellow;
  }

  void take(const store::WatchEvent& event) {
    const auto& key = event.object.key;
    const std::string name = key.ns + "/" + key.name;
    if (event.type == store::EventType::kDeleted) {
      pods.erase(name);
      say("pod " + name + "  gone");
      return;
    }
    const Json json = Json::parse(event.object.json, nullptr, false);
    PodLine line{summarize_pod(json, clock.now()), text_at(json, "/status/podIP")};
    const auto before = pods.find(name);
    const bool same =
        before != pods.end() && before->second.summary.status == line.summary.status &&
        before->second.summary.ready == line.summary.ready && before->second.ip == line.ip;
    pods[name] = line;
    if (!same) {
      say("pod " + name + "  " + line.summary.ready + "  " + line.summary.status +
              (line.ip.empty() ? "" : "  " + line.ip),
          colour_of(line.summary.status));
    }
  }

  void run() {
    constexpr int64_t kWaitMs = 60'000;
    while (!stopping) {
      const auto event = watch->next(kWaitMs);
      if (!event.ok()) {
        return;
      }
      if (*event) {
        const std::lock_guard lock(mutex);
        take(**event);
      }
    }
  }
};

SiteView::SiteView(Style style, const sys::Clock& clock, Write write)
    : state_(std::make_unique<State>(style, clock, std::move(write))) {}

SiteView::~SiteView() { stop(); }

Status SiteView::follow(store::Store& store) {
  DUET_ASSIGN(const auto listing, store.list(object::Kind::kPod));
  DUET_ASSIGN(state_->watch, store.watch({object::Kind::kPod}, listing.resource_version));
  {
    const std::lock_guard lock(state_->mutex);
    for (const auto& object : listing.objects) {
      state_->take({store::EventType::kAdded, object});
    }
  }
  state_->thread = std::thread([state = state_.get()] { state->run(); });
  return {};
}

void SiteView::stop() {
  if (state_->thread.joinable()) {
    state_->stopping = true;
    state_->watch->cancel();
    state_->thread.join();
  }
}

void SiteView::log(const std::string& line) {
  const std::lock_guard lock(state_->mutex);
  state_->say(line, kDim);
}

void SiteView::folder(const source::FolderReport& report) {
  using Type = source::FolderChange::Type;
  const std::lock_guard lock(state_->mutex);
  for (const auto& change : report.changes) {
    const std::string what = change.key ? object::describe(*change.key) : change.file;
    switch (change.type) {
      case Type::kCreated:
        state_->say(what + " created");
        break;
      case Type::kUpdated:
        state_->say(what + " configured");
        break;
      case Type::kReplacing:
        state_->say(what + " is being replaced");
        break;
      case Type::kRemoved:
        state_->say(what + " deleted");
        break;
      case Type::kProblem:
        state_->say(change.problem.describe(),
                    change.problem.severity == object::Problem::Severity::kError ? kRed : kYellow);
        break;
      case Type::kUnchanged:
        break;
    }
  }
}

void SiteView::routes(const gateway::RouteTable& table) {
  const std::lock_guard lock(state_->mutex);
  auto rows = describe_routes(table);
  if (rows == state_->routes) {
    return;
  }
  std::string text;
  for (const auto& row : rows) {
    if (std::find(state_->routes.begin(), state_->routes.end(), row) == state_->routes.end()) {
      text += (text.empty() ? "" : "\n") + std::string("route ") + row[0] + "  " + row[1] + "  " +
              row[2];
    }
  }
  state_->routes = std::move(rows);
  if (!text.empty()) {
    state_->say(text, kGreen);
  }
}

}  // namespace duet::cli
