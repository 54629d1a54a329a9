#include "cli/describe_text.h"
#include "cli/pod_summary.h"

namespace duet::cli {
namespace {

void describe_state(Description& out, const std::string& label, const Json& state) {
  if (const Json& running = at(state, "/running"); running.is_object()) {
    out.line(label, "Running");
    out.line("  Started", text_at(running, "/startedAt"));
    return;
  }
  if (const Json& ended = at(state, "/terminated"); ended.is_object()) {
    out.line(label, "Terminated");
    out.line("  Reason", text_at(ended, "/reason"));
    if (const std::string message = text_at(ended, "/message"); !message.empty()) {
      out.line("  Message", message);
    }
    out.line("  Exit Code", std::to_string(number_at(ended, "/exitCode")));
    if (const int64_t signal = number_at(ended, "/signal"); signal != 0) {
      out.line("  Signal", std::to_string(signal));
    }
    out.line("  Started", text_at(ended, "/startedAt"));
    out.line("  Finished", text_at(ended, "/finishedAt"));
    return;
  }
  out.line(label, "Waiting");
  if (const std::string reason = text_at(state, "/waiting/reason"); !reason.empty()) {
    out.line("  Reason", reason);
  }
  if (const std::string message = text_at(state, "/waiting/message"); !message.empty()) {
    out.line("  Message", message);
  }
}

std::string joined(const Json& list) {
  std::string out;
  for (const Json& one : list) {
    out += (out.empty() ? "" : " ") + text_at(one, "");
  }
  return out;
}

// Where a variable's value is from, or the value.
std::string env_value(const Json& variable) {
  for (const auto& [field, words] : {std::pair("/valueFrom/configMapKeyRef", "config map"),
                                     std::pair("/valueFrom/secretKeyRef", "secret")}) {
    if (const Json& from = at(variable, field); from.is_object()) {
      return "<set to the key '" + text_at(from, "/key") + "' of " + words + " '" +
             text_at(from, "/name") + "'>";
    }
  }
  const std::string field = text_at(variable, "/valueFrom/fieldRef/fieldPath");
  return field.empty() ? text_at(variable, "/value") : " (" + field + ")";
}

void describe_spec_of(Description& out, const Json& container) {
  out.line("Image", text_at(container, "/image"));
  std::string ports;
  for (const Json& port : at(container, "/ports")) {
    const std::string protocol = text_at(port, "/protocol");
    ports += (ports.empty() ? "" : ", ") + text_at(port, "/containerPort") + "/" +
             (protocol.empty() ? "TCP" : protocol);
  }
  if (!ports.empty()) {
    out.line("Ports", ports);
  }
  for (const auto& [field, label] :
       {std::pair("/command", "Command"), std::pair("/args", "Args")}) {
    if (size_at(container, field) > 0) {
      out.line(label, joined(at(container, field)));
    }
  }
  for (const auto& [field, label] :
       {std::pair("/resources/limits", "Limits"), std::pair("/resources/requests", "Requests")}) {
    if (size_at(container, field) > 0) {
      out.line(label, join_map(at(container, field), ""));
    }
  }
}

void describe_status_of(Description& out, const Json& status) {
  if (!status.is_object()) {
    return;
  }
  out.line("Container ID", text_at(status, "/containerID"));
  out.line("Image ID", text_at(status, "/imageID"));
  describe_state(out, "State", at(status, "/state"));
  if (size_at(status, "/lastState") > 0) {
    describe_state(out, "Last State", at(status, "/lastState"));
  }
  out.line("Ready", flag_at(status, "/ready") ? "True" : "False");
  out.line("Restart Count", std::to_string(number_at(status, "/restartCount")));
}

void describe_surroundings_of(Description& out, const Json& container) {
  if (size_at(container, "/env") > 0) {
    out.heading("Environment");
    out.indent();
    for (const Json& variable : at(container, "/env")) {
      out.line(text_at(variable, "/name"), env_value(variable));
    }
    out.outdent();
  }
  if (size_at(container, "/volumeMounts") > 0) {
    out.heading("Mounts");
    for (const Json& mount : at(container, "/volumeMounts")) {
      out.plain("  " + text_at(mount, "/mountPath") + " from " + text_at(mount, "/name") +
                (flag_at(mount, "/readOnly") ? " (ro)" : " (rw)"));
    }
  }
}

const Json& status_named(const Json& statuses, const std::string& name) {
  static const Json kNone;
  for (const Json& one : statuses) {
    if (text_at(one, "/name") == name) {
      return one;
    }
  }
  return kNone;
}

void describe_containers(Description& out, const std::string& title, const Json& containers,
                         const Json& statuses) {
  if (!containers.is_array() || containers.empty()) {
    return;
  }
  out.heading(title);
  out.indent();
  for (const Json& container : containers) {
    const std::string name = text_at(container, "/name");
    out.heading(name);
    out.indent();
    describe_spec_of(out, container);
    describe_status_of(out, status_named(statuses, name));
    describe_surroundings_of(out, container);
    out.outdent();
  }
  out.outdent();
}

void describe_volumes(Description& out, const Json& volumes) {
  if (!volumes.is_array() || volumes.empty()) {
    return;
  }
  out.heading("Volumes");
  out.indent();
  for (const Json& volume : volumes) {
    for (const auto& [type, source] : volume.items()) {
      if (type != "name") {
        std::string detail;
        for (const char* field : {"/path", "/name", "/secretName", "/medium"}) {
          detail += detail.empty() ? text_at(source, field) : "";
        }
        out.line(text_at(volume, "/name"), type + (detail.empty() ? "" : " " + detail));
      }
    }
  }
  out.outdent();
}

}  // namespace

void describe_pod(Description& out, const Json& pod, sys::WallTime now) {
  const Json& status = at(pod, "/status");
  if (status.is_object()) {
    out.line("Node", text_at(pod, "/spec/nodeName"));
    out.line("Start Time", text_at(status, "/startTime"));
    out.line("Status", summarize_pod(pod, now).status);
    for (const auto& [field, label] :
         {std::pair("/reason", "Reason"), std::pair("/message", "Message")}) {
      if (const std::string text = text_at(status, field); !text.empty()) {
        out.line(label, text);
      }
    }
    out.line("IP", text_at(status, "/podIP"));
  }
  if (const std::string runtime = text_at(pod, "/spec/runtimeClassName"); !runtime.empty()) {
    out.line("Runtime Class", runtime);
  }
  describe_containers(out, "Init Containers", at(pod, "/spec/initContainers"),
                      at(status, "/initContainerStatuses"));
  describe_containers(out, "Containers", at(pod, "/spec/containers"),
                      at(status, "/containerStatuses"));
  if (size_at(status, "/conditions") > 0) {
    out.heading("Conditions");
    out.indent();
    for (const Json& one : at(status, "/conditions")) {
      out.line(text_at(one, "/type"), text_at(one, "/status"));
    }
    out.outdent();
  }
  describe_volumes(out, at(pod, "/spec/volumes"));
  if (status.is_object()) {
    out.line("Node-Selectors", join_map(at(pod, "/spec/nodeSelector"), ""));
  }
}

}  // namespace duet::cli
