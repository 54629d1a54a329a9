#include <nlohmann/json.hpp>

#include "api/handlers.h"
#include "api/selector.h"
#include "object/kind.h"

// Reading, writing and deleting objects.
namespace duet::api {
namespace {

using object::Object;

struct Received {
  Object object;
  bool dry_run = false;
};

// Kubernetes' own tools write JSON; what is not JSON is read as YAML, of which JSON is a part.
// Answers by itself and gives nothing when `text` is not one valid object that fits the path.
std::optional<Object> read_object(Exchange& exchange, const std::string& text) {
  const ResourcePath& path = exchange.path;
  const auto manifest = object::parse_manifest(text, "", path.ns.empty() ? "default" : path.ns);
  if (!manifest.ok()) {
    exchange.answer(invalid_object(path.key(), manifest.problems));
    return std::nullopt;
  }
  if (manifest.objects.size() != 1) {
    exchange.answer(bad_request("the body must hold one object, it holds " +
                                std::to_string(manifest.objects.size())));
    return std::nullopt;
  }
  const Object& one = manifest.objects[0].object;
  const bool same_place = one.key.kind == path.kind && one.key.ns == path.ns &&
                          (path.name.empty() || one.key.name == path.name);
  if (!same_place) {
    exchange.answer(bad_request("the body is " + object::describe(one.key) + ", the URL asks for " +
                                object::describe(path.key())));
    return std::nullopt;
  }
  return one;
}

// metadata.resourceVersion of what a client sent: it insists on that version. Nothing when it is
// no number.
std::optional<int64_t> sent_version(const std::string& json) {
  const auto object = nlohmann::json::parse(json, nullptr, false);
  const auto pointer = nlohmann::json::json_pointer("/metadata/resourceVersion");
  if (!object.is_object() || !object.contains(pointer)) {
    return 0;
  }
  const auto& value = object.at(pointer);
  const std::string* text = value.get_ptr<const std::string*>();
  if (text == nullptr || text->size() > 18 ||
      text->find_first_not_of("0123456789") != std::string::npos) {
    return std::nullopt;
  }
  return text->empty() ? 0 : std::stoll(*text);
}

bool is_dry_run(const Exchange& exchange) { return !exchange.query.get("dryRun").empty(); }

void answer_written(Exchange& exchange, int status, const Result<Object>& written,
                    const object::ObjectKey& key) {
  if (!written.ok()) {
    return exchange.answer(failure_of(written.error(), key));
  }
  exchange.answer_json(status, written->json);
}

// As server-side apply, but of the whole object: what is not in it any more is gone.
void apply_object(Exchange& exchange, const std::string& text) {
  const auto one = read_object(exchange, text);
  if (!one) {
    return;
  }
  const auto before = exchange.context.store.get(one->key);
  if (is_dry_run(exchange)) {
    return exchange.answer_json(before.ok() ? 200 : 201, one->json);
  }
  answer_written(exchange, before.ok() ? 200 : 201, exchange.context.store.apply(*one), one->key);
}

// JSON Merge Patch (RFC 7396) on the stored object.
void merge_object(Exchange& exchange, const std::string& text) {
  const auto patch = nlohmann::json::parse(text, nullptr, false);
  if (!patch.is_object()) {
    return exchange.answer(bad_request("the patch is not a JSON object"));
  }
  const auto key = exchange.path.key();
  const auto stored = exchange.context.store.get(key);
  if (!stored.ok()) {
    return exchange.answer(failure_of(stored.error(), key));
  }
  auto merged = nlohmann::json::parse(stored->json, nullptr, false);
  merged.merge_patch(patch);
  auto one =
      read_object(exchange, merged.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  if (!one) {
    return;
  }
  // The version that was merged with: a change in between is a conflict, never lost.
  one->resource_version = stored->resource_version;
  if (is_dry_run(exchange)) {
    return exchange.answer_json(200, one->json);
  }
  answer_written(exchange, 200, exchange.context.store.update(*one), key);
}

struct PatchType {
  std::string_view media_type;
  void (*patch)(Exchange&, const std::string&);
};
constexpr PatchType kPatchTypes[] = {
    {"application/apply-patch+yaml", apply_object},
    {"application/apply-patch+json", apply_object},
    {"application/json", apply_object},
    {"application/yaml", apply_object},
    {"application/merge-patch+json", merge_object},
};

// gracePeriodSeconds and the uid precondition, of URL or body.
Result<store::DeleteOptions> delete_options(const Exchange& exchange, const std::string& body) {
  store::DeleteOptions out;
  DUET_ASSIGN(out.grace_period_seconds, exchange.query.number("gracePeriodSeconds"));
  if (body.empty()) {
    return out;
  }
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object()) {
    return invalid("the body is not DeleteOptions in JSON");
  }
  if (const auto grace = json.find("gracePeriodSeconds");
      grace != json.end() && !grace->is_null()) {
    if (!grace->is_number_integer()) {
      return invalid("gracePeriodSeconds is not a number");
    }
    out.grace_period_seconds = grace->get<int64_t>();
  }
  const auto uid = nlohmann::json::json_pointer("/preconditions/uid");
  if (json.contains(uid) && json.at(uid).is_string()) {
    out.uid = json.at(uid).get<std::string>();
  }
  return out;
}

}  // namespace

void handle_get(Exchange& exchange) {
  const auto key = exchange.path.key();
  answer_written(exchange, 200, exchange.context.store.get(key), key);
}

void handle_list(Exchange& exchange) {
  if (exchange.query.flag("watch")) {
    return handle_watch(exchange);
  }
  const auto selector =
      Selector::parse(exchange.query.get("labelSelector"), exchange.query.get("fieldSelector"));
  if (!selector.ok()) {
    return exchange.answer(selector.error());
  }
  const auto listing = exchange.context.store.list(exchange.path.kind, exchange.path.ns);
  if (!listing.ok()) {
    return exchange.answer(listing.error());
  }
  const auto& info = object::kind_info(exchange.path.kind);
  // The objects are JSON texts already: joining them spares reading and writing each again.
  std::string out = R"({"kind":")" + std::string(info.name) + R"(List","apiVersion":")" +
                    std::string(info.api_version) + R"(","metadata":{"resourceVersion":")" +
                    std::to_string(listing->resource_version) + R"("},"items":[)";
  bool first = true;
  for (const Object& one : listing->objects) {
    if (selector->matches(one.json)) {
      out += (first ? "" : ",") + one.json;
      first = false;
    }
  }
  exchange.answer_json(200, out + "]}");
}

void handle_create(Exchange& exchange) {
  const auto text = exchange.body();
  if (!text) {
    return;
  }
  const auto one = read_object(exchange, *text);
  if (!one) {
    return;
  }
  if (is_dry_run(exchange)) {
    return exchange.answer_json(201, one->json);
  }
  answer_written(exchange, 201, exchange.context.store.create(*one), one->key);
}

void handle_replace(Exchange& exchange) {
  const auto text = exchange.body();
  if (!text) {
    return;
  }
  auto one = read_object(exchange, *text);
  if (!one) {
    return;
  }
  const auto version = sent_version(*text);
  if (!version) {
    return exchange.answer(bad_request("metadata.resourceVersion is not a number"));
  }
  one->resource_version = *version;
  if (is_dry_run(exchange)) {
    return exchange.answer_json(200, one->json);
  }
  answer_written(exchange, 200, exchange.context.store.update(*one), one->key);
}

void handle_patch(Exchange& exchange) {
  const std::string type = exchange.content_type();
  for (const PatchType& one : kPatchTypes) {
    if (one.media_type == type) {
      if (const auto text = exchange.body()) {
        one.patch(exchange, *text);
      }
      return;
    }
  }
  exchange.answer({.http_status = 415,
                   .reason = "UnsupportedMediaType",
                   .message = "this kind of patch is not supported: \"" + type +
                              "\"; use application/apply-patch+yaml or "
                              "application/merge-patch+json"});
}

void handle_delete(Exchange& exchange) {
  const auto key = exchange.path.key();
  const auto body = exchange.body();
  if (!body) {
    return;
  }
  const auto options = delete_options(exchange, *body);
  if (!options.ok()) {
    return exchange.answer(options.error());
  }
  const auto before = exchange.context.store.get(key);
  if (!before.ok()) {
    return exchange.answer(failure_of(before.error(), key));
  }
  if (is_dry_run(exchange)) {
    return exchange.answer_json(200, before->json);
  }
  if (const auto removed = exchange.context.store.remove(key, *options); !removed.ok()) {
    return exchange.answer(failure_of(removed.error(), key));
  }
  // A pod that has to be stopped first is still there.
  const auto after = exchange.context.store.get(key);
  exchange.answer_json(
      200, after.ok() && after->uid == before->uid ? after->json : success_json(key, before->uid));
}

}  // namespace duet::api
