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

constexpr const char* kBold = "\033[1m";
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

// "http://host:port" by which a person reaches a route of that host; empty: of any.
std::string origin_of(const std::string& host, const gateway::RouteTable& table) {
  const std::string address = table.listeners.empty() ? "" : table.listeners.front().address;
  const size_t colon = std::min(address.rfind(':'), address.size());
  const std::string ip = address.substr(0, colon);
  const std::string any = ip == "0.0.0.0" || ip == "[::]" ? "localhost" : ip;
  return "http://" + (host.empty() ? any : host) + address.substr(colon);
}

void append_rules(const gateway::Route& route, const std::string& origin, std::vector<Row>& rows) {
  for (const auto& rule : route.rules) {
    std::vector<gateway::Match> matches = rule.matches;
    if (matches.empty()) {
      matches.emplace_back();
    }
    for (const auto& match : matches) {
      rows.push_back({origin + paths_of(match), route.name, targets_of(rule)});
    }
  }
}

struct PodLine {
  PodSummary summary;
  std::string ip;
  bool operator==(const PodLine&) const = default;
};

// What the live table shows stays there: without an age, which would go stale.
std::string count_of(const std::string& restarts) { return restarts.substr(0, restarts.find(' ')); }

const char* colour_of(const std::string& status) {
  if (status == "Running" || status == "Completed") {
    return kGreen;
  }
  const bool trouble = status.find("Err") != std::string::npos ||
                       status.find("BackOff") != std::string::npos ||
                       status.find("OOM") != std::string::npos;
  return trouble ? kRed : kYellow;
}

void append_table(const std::vector<Row>& rows, const std::vector<std::string>& colours,
                  std::vector<LiveBlock::Line>& lines) {
  const std::string text = format_table(rows);
  lines.push_back({});
  for (size_t at = 0, row = 0; at < text.size(); ++row) {
    const size_t end = text.find('\n', at);
    lines.push_back({text.substr(at, end - at), row < colours.size() ? colours[row] : ""});
    at = end + 1;
  }
}

}  // namespace

std::vector<std::vector<std::string>> describe_routes(const gateway::RouteTable& table) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& route : table.routes) {
    const std::vector<std::string> any_host = {""};
    for (const auto& host : route.hostnames.empty() ? any_host : route.hostnames) {
      append_rules(route, origin_of(host, table), rows);
    }
  }
  return rows;
}

struct SiteView::State {
  State(Style the_style, const sys::Clock& the_clock, const LiveBlock::Write& the_write,
        LiveBlock::Size size)
      : style(the_style), clock(the_clock), write(the_write), block(the_write, std::move(size)) {}

  const Style style;
  const sys::Clock& clock;
  const LiveBlock::Write write;
  std::mutex mutex;
  LiveBlock block;
  std::map<std::string, PodLine> pods;
  std::vector<Row> routes;
  std::unique_ptr<store::Watch> watch;
  std::atomic<bool> stopping{false};
  std::thread thread;

  // All below with the mutex held.
  void say(const std::string& text, const char* colour = kPlain) {
    if (style == Style::kLive) {
      block.draw(colour + text + kPlain + "\n", tables());
    } else {
      write(text + "\n");
    }
  }

  void redraw() {
    if (style == Style::kLive) {
      block.draw("", tables());
    }
  }

  std::vector<LiveBlock::Line> tables() const {
    std::vector<LiveBlock::Line> lines;
    if (!pods.empty()) {
      std::vector<Row> rows = {{"POD", "READY", "STATUS", "RESTARTS", "IP"}};
      std::vector<std::string> colours = {kBold};
      for (const auto& [name, pod] : pods) {
        rows.push_back({name, pod.summary.ready, pod.summary.status, pod.summary.restarts, pod.ip});
        colours.emplace_back(colour_of(pod.summary.status));
      }
      append_table(rows, colours, lines);
    }
    if (!routes.empty()) {
      std::vector<Row> rows = {{"ROUTE", "FROM", "TO"}};
      rows.insert(rows.end(), routes.begin(), routes.end());
      append_table(rows, {kBold}, lines);
    }
    return lines;
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
    line.summary.restarts = count_of(line.summary.restarts);
    const auto before = pods.find(name);
    const bool same = before != pods.end() && before->second == line;
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

SiteView::SiteView(Style style, const sys::Clock& clock, const LiveBlock::Write& write,
                   LiveBlock::Size size)
    : state_(std::make_unique<State>(style, clock, write, std::move(size))) {}

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
  const auto rows = describe_routes(table);
  const auto before = std::exchange(state_->routes, rows);
  for (const auto& row : rows) {
    if (std::find(before.begin(), before.end(), row) == before.end()) {
      state_->say("route " + row[0] + "  " + row[1] + "  " + row[2], kGreen);
    }
  }
  for (const auto& row : before) {
    // One that leads elsewhere now was told above.
    const bool stays = std::any_of(rows.begin(), rows.end(), [&](const Row& now) {
      return now[0] == row[0] && now[1] == row[1];
    });
    if (!stays) {
      state_->say("route " + row[0] + "  " + row[1] + "  gone");
    }
  }
  state_->redraw();
}

}  // namespace duet::cli
