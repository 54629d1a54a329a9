#include "gateway/transaction.h"

#include "gateway/compressing_call.h"
#include "gateway/compression.h"
#include "gateway/request_filter.h"
#include "gateway/route_steps.h"

namespace duet::gateway {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::string_view kRequestTooLarge = "RequestTooLarge";

}  // namespace

std::string format_own_answer(const OwnAnswer& answer) {
  if (answer.reason.empty()) {
    return {};
  }
  std::string body = std::to_string(answer.status);
  body.append(" ").append(net::status_reason(answer.status)).append(": ");
  return body.append(answer.reason).append("\n");
}

std::vector<net::Field> own_answer_fields(const OwnAnswer& answer) {
  std::vector<net::Field> fields;
  if (!answer.reason.empty()) {
    fields.push_back({"Content-Type", "text/plain; charset=utf-8"});
  }
  if (!answer.location.empty()) {
    fields.push_back({"Location", answer.location});
  }
  if (!answer.retry_after.empty()) {
    fields.push_back({"Retry-After", answer.retry_after});
  }
  return fields;
}

void Transaction::begin(const net::RequestHead& request) {
  active_ = true;
  ++front_.requests;
  ++front_.requests_in_flight;
  began_ns_ = front_.loop.clock_ns();
  origin_ = front_.forwarding.origin_of(client_, request);
  rule_ = nullptr;
  reference_ = nullptr;
  body_limit_ = bytes_in_ = bytes_out_ = 0;
  status_ = 0;
  route_name_ = backend_name_ = reason_ = {};
  detail_.clear();
  usage_ = {};
  log_text_.assign(request.method);
  method_size_ = log_text_.size();
  log_text_.append(request.authority);
  host_size_ = request.authority.size();
  log_text_.append(request.path);
}

std::optional<OwnAnswer> Transaction::find_call(const net::RequestHead& request, Caller& caller) {
  if (request.path ==
      "*") {  // RFC 9110 section 9.3.7: it asks the gateway itself, whether it is there
    return OwnAnswer{.status = 200, .reason = {}, .location = {}};
  }
  const auto match = find_route(request);
  if (!match) {
    return client_.own_routes ? OwnAnswer{.status = 503, .reason = "PodGone", .location = {}}
                              : OwnAnswer{.status = 404, .reason = "NoRoute", .location = {}};
  }
  table_ = front_.table;
  rule_ = match->rule;
  route_name_ = match->route->name;
  if (auto refused = refuse_by_policy(*match->route, request)) {
    return refused;
  }
  if (const auto& redirect = match->rule->filters.redirect) {
    return OwnAnswer{.status = redirect->status,
                     .reason = "Redirect",
                     .location = redirect_location(*redirect, scheme(), request, match->prefix)};
  }
  const ActiveTable::Choice choice = table_->choose(*match->rule, front_.random());
  if (choice.backend == nullptr) {
    return OwnAnswer{.status = 500,
                     .reason = choice.reference == nullptr ? "NoBackend" : "BackendNotFound",
                     .location = {}};
  }
  reference_ = choice.reference;
  backend_name_ = choice.backend->name();
  caller_ = &caller;
  CallHead head;
  fill_call_head(request, *match, head);
  if (match->rule->request_timeout_ms > 0) {
    front_.loop.set_timer(deadline_, match->rule->request_timeout_ms * kNsPerMs);
  }
  if (match->route->policy.compress) {
    auto compressing = std::make_unique<CompressingCall>(caller, accepts_gzip(request.fields),
                                                         front_.compressed_answers);
    compressing->set_call(start_call(choice, head, *compressing));
    call_ = std::move(compressing);
  } else {
    call_ = start_call(choice, head, caller);
  }
  return std::nullopt;
}

std::optional<RouteMatch> Transaction::find_route(const net::RequestHead& request) const {
  if (!front_.table) {
    return std::nullopt;
  }
  const RouteIndex& index = front_.table->index();
  return client_.own_routes ? index.find_own(client_.listener, request)
                            : index.find(client_.listener, request);
}

std::unique_ptr<Call> Transaction::start_call(const ActiveTable::Choice& choice,
                                              const CallHead& head, Caller& caller) const {
  return choice.before == nullptr
             ? choice.backend->start(head, caller)
             : std::make_shared<RouteSteps>(table_, choice, head)->start(0, head, caller);
}

// What the route's policy refuses before anybody is asked.
std::optional<OwnAnswer> Transaction::refuse_by_policy(const Route& route,
                                                       const net::RequestHead& request) {
  constexpr std::int64_t kNsPerSecond = 1'000'000'000;
  body_limit_ = static_cast<std::uint64_t>(route.policy.request_bytes);
  if (route.policy.rate.count > 0) {
    const auto client = net::IpAddress::parse(address());
    const std::int64_t wait_ns =
        client ? front_.rates.take(route.name, *client, route.policy.rate, front_.loop.now_ns())
               : 0;
    if (wait_ns > 0) {
      const std::int64_t wait_s = (wait_ns + kNsPerSecond - 1) / kNsPerSecond;
      return OwnAnswer{.status = 429,
                       .reason = "RateLimited",
                       .location = {},
                       .retry_after = std::to_string(wait_s)};
    }
  }
  if (!takes_body(request.content_length)) {
    detail_ = refuse_body().detail;
    return OwnAnswer{.status = 413, .reason = kRequestTooLarge, .location = {}};
  }
  return std::nullopt;
}

// For whom the request is made. Views into this and the request.
void Transaction::add_origin(const net::RequestHead& request,
                             std::vector<net::Field>& fields) const {
  const std::string_view client = origin_ ? origin_->x_forwarded_for : client_.address;
  const std::string_view host = origin_ ? origin_->host : request.authority;
  fields.push_back({"x-forwarded-for", client, net::FieldId::kXForwardedFor});
  fields.push_back({"x-forwarded-proto", scheme(), net::FieldId::kXForwardedProto});
  if (!host.empty()) {
    fields.push_back({"x-forwarded-host", host, net::FieldId::kXForwardedHost});
  }
  if (origin_ && !origin_->forwarded.empty()) {
    fields.push_back({"forwarded", origin_->forwarded, net::FieldId::kForwarded});
  }
}

void Transaction::fill_call_head(const net::RequestHead& request, const RouteMatch& match,
                                 CallHead& head) {
  std::vector<net::Field>& fields = front_.scratch_fields;
  std::string& text = front_.scratch_text;
  forwarded_fields(request, fields);
  add_origin(request, fields);
  modify_fields(rule_->filters.request_headers, fields);
  modify_fields(reference_->filters.request_headers, fields);
  head.method = request.method;
  head.scheme = scheme();
  head.authority = request.authority;
  head.matched_exactly = !match.exact_path.empty();
  head.matched_path = head.matched_exactly ? match.exact_path : match.prefix;
  // The target without the scheme and authority of an absolute form.
  if (request.path.end() == request.query.begin()) {
    head.target = std::string_view(request.path.begin(), request.query.end());
  } else {
    text.assign(request.path).append(request.query);
    head.target = text;
  }
  for (const Filters* filters : {&rule_->filters, &reference_->filters}) {
    if (filters->rewrite) {
      if (!filters->rewrite->hostname.empty()) {
        head.authority = filters->rewrite->hostname;
      }
      if (filters->rewrite->path) {
        text = modify_path(*filters->rewrite->path, request.path, match.prefix);
        text += request.query;
        head.target = text;
        head.matched_path = {};
        head.matched_exactly = false;
      }
    }
  }
  head.fields = fields;
  head.framing = request.framing;
  head.content_length = request.content_length;
  head.client_address = address();
  head.timeout_ms = rule_->backend_request_timeout_ms;
  if (const net::Field* te = request.find(net::FieldId::kTe)) {
    head.takes_trailers = net::list_has_token(te->value, "trailers");
  }
  if (request.upgrade && request.framing == net::Framing::kNone) {
    head.upgrade = request.find(net::FieldId::kUpgrade)->value;
  }
}

AnswerHead Transaction::filter(const AnswerHead& head, std::vector<net::Field>& fields) const {
  AnswerHead filtered = head;
  if (rule_ != nullptr && (!rule_->filters.response_headers.empty() ||
                           (reference_ && !reference_->filters.response_headers.empty()))) {
    fields.assign(head.fields.begin(), head.fields.end());
    modify_fields(rule_->filters.response_headers, fields);
    if (reference_ != nullptr) {
      modify_fields(reference_->filters.response_headers, fields);
    }
    filtered.fields = fields;
  }
  return filtered;
}

void Transaction::drop_call() {
  if (call_) {
    usage_ = call_->usage();
    front_.graveyard.bury(std::move(call_));
  }
}

void Transaction::fail(const Failure& failure) {
  drop_call();
  rule_ = nullptr;  // its filters are for the backend's answers
  reference_ = nullptr;
  reason_ = failure.reason;
  detail_ = failure.detail;
}

Failure Transaction::refuse_body() const {
  return {.status = 413,
          .reason = kRequestTooLarge,
          .detail = "more body than the route's " + std::to_string(body_limit_) + " bytes"};
}

void Transaction::on_deadline() {
  caller_->on_failure({.status = 504, .reason = "RequestTimeout", .detail = {}});
  caller_->on_flush();
}

void Transaction::end() {
  if (!active_) {
    return;
  }
  active_ = false;
  drop_call();
  cancel_deadline();
  const std::string_view text(log_text_);
  const AccessRecord record{.client = address(),
                            .method = text.substr(0, method_size_),
                            .host = text.substr(method_size_, host_size_),
                            .path = text.substr(method_size_ + host_size_),
                            .status = status_,
                            .bytes_in = bytes_in_,
                            .bytes_out = bytes_out_,
                            .duration_ns = front_.loop.clock_ns() - began_ns_,
                            .route = route_name_,
                            .backend = backend_name_,
                            .reason = reason_,
                            .detail = detail_,
                            .cpu_ns = usage_.cpu_ns,
                            .peak_memory_bytes = usage_.peak_memory_bytes,
                            .outgoing = usage_.outgoing,
                            .outgoing_bytes = usage_.outgoing_bytes,
                            .cold = usage_.cold,
                            .retries = usage_.retries,
                            .retry_reason = usage_.retry_reason};
  front_.account(record);
  route_name_ = backend_name_ = {};
  --front_.requests_in_flight;
  table_.reset();
}

}  // namespace duet::gateway
