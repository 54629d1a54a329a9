#include "gateway/worker_control.h"

#include <nlohmann/json.hpp>

namespace duet::gateway {
namespace {

using Json = nlohmann::json;

std::string text_of(const Json& message, const char* key) {
  const auto found = message.find(key);
  return found != message.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::string WorkerControl::answer(Packet packet) {
  const Json message = Json::parse(packet.text, nullptr, false);
  if (message.is_object() && text_of(message, "type") == "status") {
    return R"({"ok":true,"status":)" + format_status(worker_.status()) + "}";
  }
  if (message.is_object() && text_of(message, "type") == "metrics") {
    return format_metrics_reply(worker_.metrics());
  }
  return format_reply(obey(std::move(packet)));
}

Status WorkerControl::obey(Packet packet) {
  const Json message = Json::parse(packet.text, nullptr, false);
  if (!message.is_object()) {
    return invalid("a control packet must be a JSON object");
  }
  const std::string type = text_of(message, "type");
  if (type == "drain") {
    const auto found = message.find("timeout_ms");
    worker_.drain(found != message.end() && found->is_number_integer() ? found->get<std::int64_t>()
                                                                       : 0);
    return {};
  }
  if (!packet.fd.valid()) {
    return invalid("a control packet of type '" + type + "' needs a descriptor");
  }
  if (type == "listener") {
    worker_.add_listener(text_of(message, "name"), std::move(packet.fd));
    return {};
  }
  if (type == "code") {
    worker_.add_code(text_of(message, "digest"), std::move(packet.fd));
    return {};
  }
  if (type == "folder") {
    worker_.add_folder(text_of(message, "name"), std::move(packet.fd));
    return {};
  }
  if (type == "group") {
    worker_.add_group(text_of(message, "name"), std::move(packet.fd));
    return {};
  }
  if (type == "access_log") {
    worker_.set_access_log(std::move(packet.fd));
    return {};
  }
  if (type == "table") {
    DUET_ASSIGN(const std::string json, read_memfd(packet.fd.get(), kTableBytes));
    DUET_ASSIGN(RouteTable table, parse_route_table(json));
    return worker_.set_table(std::move(table));
  }
  return invalid("unknown control packet type '" + type + "'");
}

}  // namespace duet::gateway
