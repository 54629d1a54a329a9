#include "cli/describe_text.h"

#include <algorithm>
#include <map>

#include "cli/columns.h"
#include "cli/duration.h"
#include "cli/table.h"

namespace duet::cli {
namespace {

using object::Kind;

constexpr size_t kLabelWidth = 18;

// "1 updated | 2 total" of a Deployment.
void describe_deployment(Description& out, const Json& object, sys::WallTime) {
  const auto count = [&](const char* field) {
    return std::to_string(number_at(object, std::string("/status/") + field));
  };
  out.line("Selector", join_map(at(object, "/spec/selector/matchLabels"), ""));
  out.line("Replicas", std::to_string(number_at(object, "/spec/replicas", 1)) + " desired | " +
                           count("updatedReplicas") + " updated | " + count("replicas") +
                           " total | " + count("availableReplicas") + " available | " +
                           count("unavailableReplicas") + " unavailable");
  const std::string strategy = text_at(object, "/spec/strategy/type");
  out.line("StrategyType", strategy.empty() ? "RollingUpdate" : strategy);
  out.heading("Pod Template");
  out.indent();
  out.list("Labels", at(object, "/spec/template/metadata/labels"));
  describe_pod(out, at(object, "/spec/template"), {});
  out.outdent();
}

void describe_service(Description& out, const Json& object, sys::WallTime) {
  const std::string type = text_at(object, "/spec/type");
  out.line("Selector", join_map(at(object, "/spec/selector"), ""));
  out.line("Type", type.empty() ? "ClusterIP" : type);
  out.line("IP", text_at(object, "/spec/clusterIP"));
  for (const Json& port : at(object, "/spec/ports")) {
    const std::string name = text_at(port, "/name");
    const std::string target = text_at(port, "/targetPort");
    const std::string protocol = text_at(port, "/protocol");
    out.line("Port", (name.empty() ? "<unset>" : name) + "  " + text_at(port, "/port") + "/" +
                         (protocol.empty() ? "TCP" : protocol));
    out.line("TargetPort", target.empty() ? text_at(port, "/port") : target);
  }
}

// Values of a Secret are never shown, only their sizes.
void describe_secret(Description& out, const Json& object, sys::WallTime) {
  out.line("Type", text_at(object, "/type"));
  out.heading("Data");
  out.indent();
  const Json& data = at(object, "/data");
  if (data.is_object()) {
    for (const auto& [key, value] : data.items()) {
      const std::string text = text_at(value, "");
      const size_t padding = static_cast<size_t>(std::count(text.begin(), text.end(), '='));
      const size_t bytes = text.size() / 4 * 3;
      out.line(key, std::to_string(bytes < padding ? 0 : bytes - padding) + " bytes");
    }
  }
  out.outdent();
}

void describe_config_map(Description& out, const Json& object, sys::WallTime) {
  out.heading("Data");
  const Json& data = at(object, "/data");
  if (data.is_object()) {
    for (const auto& [key, value] : data.items()) {
      out.plain("====");
      out.plain(key + ":");
      out.plain("----");
      out.plain(text_at(value, ""));
    }
  }
}

void describe_backend(Description& out, const std::string& path, const Json& backend) {
  const std::string number = text_at(backend, "/service/port/number");
  out.line(path, text_at(backend, "/service/name") + ":" +
                     (number.empty() ? text_at(backend, "/service/port/name") : number));
}

void describe_ingress(Description& out, const Json& object, sys::WallTime) {
  out.line("Ingress Class", text_at(object, "/spec/ingressClassName"));
  if (at(object, "/spec/defaultBackend").is_object()) {
    describe_backend(out, "Default backend", at(object, "/spec/defaultBackend"));
  }
  for (const Json& rule : at(object, "/spec/rules")) {
    const std::string host = text_at(rule, "/host");
    out.heading("Host " + (host.empty() ? "*" : host));
    out.indent();
    for (const Json& path : at(rule, "/http/paths")) {
      describe_backend(out, text_at(path, "/path"), at(path, "/backend"));
    }
    out.outdent();
  }
}

// What has no text of its own is shown as it is stored.
void describe_spec(Description& out, const Json& object, sys::WallTime) {
  if (at(object, "/spec").is_object()) {
    out.heading("Spec");
    out.plain(at(object, "/spec").dump(2, ' ', false, Json::error_handler_t::replace));
  }
}

using Describer = void (*)(Description&, const Json&, sys::WallTime);

const std::map<Kind, Describer>& describers() {
  static const std::map<Kind, Describer> kTable = {
      {Kind::kPod, describe_pod},         {Kind::kDeployment, describe_deployment},
      {Kind::kService, describe_service}, {Kind::kConfigMap, describe_config_map},
      {Kind::kSecret, describe_secret},   {Kind::kIngress, describe_ingress},
  };
  return kTable;
}

}  // namespace

void Description::line(const std::string& label, const std::string& value) {
  std::string text(static_cast<size_t>(depth_) * 2, ' ');
  text += label + ":";
  text.append(text.size() < kLabelWidth ? kLabelWidth - text.size() : 1, ' ');
  out_ += text + or_none(value) + "\n";
}

void Description::heading(const std::string& label) {
  out_ += std::string(static_cast<size_t>(depth_) * 2, ' ') + label + ":\n";
}

void Description::list(const std::string& label, const Json& map) {
  if (!map.is_object() || map.empty()) {
    return line(label, "");
  }
  std::string shown = label + ":";
  for (const auto& [key, value] : map.items()) {
    std::string text(static_cast<size_t>(depth_) * 2, ' ');
    text += shown;
    text.append(text.size() < kLabelWidth ? kLabelWidth - text.size() : 1, ' ');
    out_ += text + key + "=" + text_at(value, "") + "\n";
    shown.clear();
  }
}

void Description::plain(const std::string& text) {
  const std::string margin(static_cast<size_t>(depth_) * 2, ' ');
  size_t start = 0;
  while (start < text.size()) {
    const size_t end = std::min(text.find('\n', start), text.size());
    out_ += margin + text.substr(start, end - start) + "\n";
    start = end + 1;
  }
}

std::string describe_object(Kind kind, const Json& object, sys::WallTime now) {
  Description out;
  out.line("Name", text_at(object, "/metadata/name"));
  if (const std::string ns = text_at(object, "/metadata/namespace"); !ns.empty()) {
    out.line("Namespace", ns);
  }
  out.list("Labels", at(object, "/metadata/labels"));
  out.list("Annotations", at(object, "/metadata/annotations"));
  out.line("Created", text_at(object, "/metadata/creationTimestamp") + " (" +
                          age_of(text_at(object, "/metadata/creationTimestamp"), now) + " ago)");
  const auto found = describers().find(kind);
  (found == describers().end() ? describe_spec : found->second)(out, object, now);
  return out.take();
}

std::string describe_events(const Json& events, sys::WallTime now) {
  if (!events.is_array() || events.empty()) {
    return "Events:           <none>\n";
  }
  std::vector<const Json*> sorted;
  for (const Json& event : events) {
    sorted.push_back(&event);
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const Json* a, const Json* b) {
    return text_at(*a, "/lastTimestamp") < text_at(*b, "/lastTimestamp");
  });
  std::vector<Row> rows = {{"  Type", "Reason", "Age", "From", "Message"},
                           {"  ----", "------", "----", "----", "-------"}};
  for (const Json* event : sorted) {
    const int64_t count = number_at(*event, "/count", 1);
    std::string age = age_of(text_at(*event, "/lastTimestamp"), now);
    if (count > 1) {
      age += " (x" + std::to_string(count) + " over " +
             age_of(text_at(*event, "/firstTimestamp"), now) + ")";
    }
    rows.push_back({"  " + text_at(*event, "/type"), text_at(*event, "/reason"), age,
                    text_at(*event, "/source/component"), text_at(*event, "/message")});
  }
  return "Events:\n" + format_table(rows);
}

}  // namespace duet::cli
