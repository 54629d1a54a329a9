#include "gateway/outgoing_call.h"

#include <algorithm>
#include <charconv>

#include "gateway/proxy_call.h"
#include "gateway/route_steps.h"

namespace duet::gateway {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::size_t kRestBytes = 64 << 10;  // of a body in one direction

bool host_matches(std::string_view rule, std::string_view host) {
  if (rule == "*" || rule == host) {
    return true;
  }
  return rule.starts_with("*.") && host.size() > rule.size() - 1 && host.ends_with(rule.substr(1));
}

int default_port(std::string_view scheme) { return scheme == "https" ? 443 : 80; }

// The short form "name.ns" of a service name in any of its forms; other names stay as they are.
std::string service_form(std::string_view host, std::string_view ns) {
  for (const std::string_view suffix :
       {std::string_view(".svc.cluster.local"), std::string_view(".svc")}) {
    if (host.ends_with(suffix)) {
      host.remove_suffix(suffix.size());
      return std::string(host);
    }
  }
  if (host.find('.') == std::string_view::npos) {
    return std::string(host) + "." + std::string(ns);
  }
  return std::string(host);
}

engine::HttpError error_for(const Failure& failure) {
  if (failure.reason == "ConnectFailed") {
    return engine::HttpError::kConnectionRefused;
  }
  if (failure.reason == "ConnectTimeout") {
    return engine::HttpError::kConnectionTimeout;
  }
  if (failure.reason == "NoEndpoints" || failure.reason == "Overloaded") {
    return engine::HttpError::kDestinationUnavailable;
  }
  if (failure.reason == "BadAnswer") {
    return engine::HttpError::kProtocolError;
  }
  return failure.status == 504 ? engine::HttpError::kConnectionReadTimeout
                               : engine::HttpError::kConnectionTerminated;
}

}  // namespace

Destination parse_destination(std::string_view scheme, std::string_view authority) {
  Destination destination{.host = normalize_host(authority), .port = default_port(scheme)};
  if (destination.host.starts_with('[') && destination.host.ends_with(']')) {
    destination.host = destination.host.substr(1, destination.host.size() - 2);
  }
  const std::size_t end = authority.starts_with('[') ? authority.find(']') : 0;
  const std::size_t colon = authority.find(':', end == std::string_view::npos ? 0 : end);
  if (colon != std::string_view::npos && colon + 1 < authority.size()) {
    const std::string_view digits = authority.substr(colon + 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), destination.port);
  }
  return destination;
}

bool is_outbound_allowed(const std::vector<OutboundRule>& rules, std::string_view scheme,
                         const Destination& destination, std::string_view ns) {
  const std::string short_form = service_form(destination.host, ns);
  return std::any_of(rules.begin(), rules.end(), [&](const OutboundRule& rule) {
    const int port = rule.port == 0 ? default_port(rule.scheme) : rule.port;
    return rule.scheme == scheme && port == destination.port &&
           (host_matches(rule.host, destination.host) || service_form(rule.host, ns) == short_form);
  });
}

OutgoingCall::OutgoingCall(HandlerShared& shared, engine::HandlerRequest& request,
                           const engine::OutgoingHead& head, OutgoingOrigin& origin, Usage& usage)
    : shared_(shared), request_(request), id_(head.id), origin_(origin), usage_(usage) {
  const Destination destination = parse_destination(head.scheme, head.authority);
  is_next_step_ = destination.host == RouteSteps::kAuthority;
  if (is_next_step_ ? may_ask_next_step() : may_go(head, destination)) {
    call_ = connect(head, destination);
  }
}

OutgoingCall::~OutgoingCall() { let_go(); }

// Whether the guest's budgets and rights allow this; if not, the guest has been told.
bool OutgoingCall::may_go(const engine::OutgoingHead& head, const Destination& destination) {
  if (!count_request()) {
    return false;
  }
  const std::string url = std::string(head.scheme) + "://" + std::string(head.authority);
  if (!is_outbound_allowed(shared_.config.allow_outbound, head.scheme, destination,
                           shared_.config.ns)) {
    return deny(engine::HttpError::kRequestDenied,
                "outgoing request to " + url + " denied: allow it with duet.edge/allow-outbound");
  }
  if (head.scheme != "http") {
    return deny(engine::HttpError::kRequestDenied,
                "outgoing request to " + url + " denied: https is not supported");
  }
  if (origin_.hops >= kHopLimit) {
    return deny(engine::HttpError::kLoopDetected, "outgoing request to " + url +
                                                      " denied: " + std::to_string(kHopLimit) +
                                                      " handlers have asked one another");
  }
  return true;
}

// The next step can be asked once, without any right and beside what budgets count.
bool OutgoingCall::may_ask_next_step() {
  if (!std::exchange(origin_.next_asked, true)) {
    return (origin_.steps && origin_.steps->has(origin_.step + 1)) ||
           deny(engine::HttpError::kDestinationNotFound,
                "there is no next step: this handler is no filter of a route");
  }
  return count_request() && deny(engine::HttpError::kConnectionLimitReached,
                                 "the next step of a route can be asked once");
}

// So also the number of refusals, each with its line in the log, is bounded.
bool OutgoingCall::count_request() {
  ++usage_.outgoing;
  if (++origin_.requests > static_cast<std::uint32_t>(shared_.config.limits.outgoing)) {
    refuse(engine::HttpError::kConnectionLimitReached);
    return false;
  }
  return true;
}

// Always false.
bool OutgoingCall::deny(engine::HttpError error, const std::string& why) {
  shared_.log.write(true, "[duet: " + why + "]", true);
  refuse(error);
  return false;
}

std::unique_ptr<Call> OutgoingCall::connect(const engine::OutgoingHead& head,
                                            const Destination& destination) {
  std::vector<net::Field> fields;
  CallHead call{
      .method = head.method,
      .scheme = head.scheme,
      .authority = head.authority,
      .target = head.path_with_query.empty() ? std::string_view("/") : head.path_with_query,
      .framing = net::Framing::kChunked,
      .hops = origin_.hops + 1};
  for (const engine::Field& field : head.headers) {
    const net::FieldId id = net::field_id(field.name);
    if (id == net::FieldId::kContentLength) {
      std::from_chars(field.value.data(), field.value.data() + field.value.size(),
                      call.content_length);
      call.framing = call.content_length > 0 ? net::Framing::kLength : net::Framing::kNone;
    } else if (!net::is_hop_by_hop(id) && id != net::FieldId::kHost) {
      fields.push_back({field.name, field.value, id});
    }
  }
  // A request whose body is empty already has none.
  if (call.framing == net::Framing::kChunked && (head.method == "GET" || head.method == "HEAD")) {
    call.framing = net::Framing::kNone;
  }
  call.fields = fields;
  if (is_next_step_) {
    return origin_.steps->start(origin_.step + 1, call, *this);
  }
  if (Backend* service = origin_.table ? origin_.table->service(destination.host, destination.port,
                                                                shared_.config.ns)
                                       : nullptr) {
    return service->start(call, *this);
  }
  return ask_address(call, destination);
}

std::unique_ptr<Call> OutgoingCall::ask_address(const CallHead& head,
                                                const Destination& destination) {
  auto origin = shared_.pool.origin(
      destination.host == "localhost" ? "127.0.0.1" : destination.host, destination.port);
  if (!origin.ok()) {
    refuse(engine::HttpError::kDnsError);
    return nullptr;
  }
  return std::make_unique<ProxyCall>(shared_.pool, std::vector<Origin*>{*origin},
                                     ProxyCall::Timeouts{}, head, *this);
}

void OutgoingCall::begin() {
  if (closed_ || !call_) {
    return;
  }
  if (!is_next_step_) {  // whose time is the route's and the handler's own
    shared_.front.loop.set_timer(timer_, shared_.config.limits.outgoing_ms * kNsPerMs);
  }
  call_->begin();
}

// The guest did something: passes on what it gave and takes up what it has room for.
void OutgoingCall::pump() {
  if (closed_) {
    return;
  }
  if (request_.outgoing_state(id_).cancelled()) {
    close();
    return;
  }
  pump_request();
  pump_answer();
}

void OutgoingCall::pump_request() {
  while (!closed_ && call_ && !request_ended_) {
    if (!request_rest_.empty()) {
      const std::size_t taken = call_->write_body(request_rest_);
      request_rest_.erase(0, taken);
      if (!request_rest_.empty()) {
        return;
      }
    }
    const engine::Frame frame = request_.read_outgoing(id_);
    switch (frame.kind) {
      case engine::Frame::Kind::kPending:
        return;
      case engine::Frame::Kind::kData:
        if (!spend(frame.data.size())) {
          refuse(engine::HttpError::kRequestBodySize);
          return;
        }
        request_rest_ = frame.data;
        break;
      case engine::Frame::Kind::kTrailers:
      case engine::Frame::Kind::kEnd:
        request_ended_ = true;
        call_->finish_body({});
        break;
      case engine::Frame::Kind::kError:
        refuse(engine::HttpError::kInternalError);
        return;
    }
  }
}

void OutgoingCall::on_head(const AnswerHead& head) {
  if (closed_ || head.status < 200) {
    return;
  }
  std::vector<engine::Field> fields;
  for (const net::Field& field : head.fields) {
    fields.push_back({field.name, field.value});
  }
  char digits[20];
  if (head.framing == net::Framing::kLength || head.describes_body) {
    const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), head.content_length);
    fields.push_back({"content-length", {digits, static_cast<std::size_t>(end - digits)}});
  }
  responded_ = true;
  if (!request_.respond_outgoing(id_, static_cast<std::uint16_t>(head.status), fields, false)
           .ok()) {
    refuse(engine::HttpError::kProtocolError);
  }
}

bool OutgoingCall::on_data(std::string_view data) {
  if (closed_) {
    return true;
  }
  if (!spend(data.size())) {
    refuse(engine::HttpError::kResponseBodySize);
    return true;
  }
  if (answer_rest_.empty()) {
    data.remove_prefix(request_.write_outgoing(id_, data));
  }
  answer_rest_ += data;
  paused_ = answer_rest_.size() >= kRestBytes;
  return !paused_;
}

void OutgoingCall::on_end(std::span<const net::Field> trailers) {
  if (closed_) {
    return;
  }
  for (const net::Field& trailer : trailers) {
    trailers_.emplace_back(trailer.name, trailer.value);
  }
  answer_ended_ = true;
  pump_answer();
}

void OutgoingCall::pump_answer() {
  if (closed_) {
    return;
  }
  if (!answer_rest_.empty()) {
    answer_rest_.erase(0, request_.write_outgoing(id_, answer_rest_));
  }
  if (paused_ && call_ && answer_rest_.size() < kRestBytes / 2) {
    paused_ = false;
    call_->resume_answer();
  }
  if (answer_ended_ && answer_rest_.empty() && !closed_) {
    std::vector<engine::Field> trailers;
    for (const auto& [name, value] : trailers_) {
      trailers.push_back({name, value});
    }
    if (!request_.finish_outgoing(id_, trailers).ok()) {
      request_.fail_outgoing(id_, engine::HttpError::kProtocolError);
    }
    close();
  }
}

void OutgoingCall::on_failure(const Failure& failure) {
  if (!closed_) {
    refuse(error_for(failure));
  }
}

// Counts body bytes. False: they are more than the guest's request may move.
bool OutgoingCall::spend(std::size_t bytes) {
  if (is_next_step_) {
    return true;
  }
  usage_.outgoing_bytes += bytes;
  origin_.bytes += bytes;
  return origin_.bytes <= static_cast<std::uint64_t>(shared_.config.limits.outgoing_bytes);
}

void OutgoingCall::refuse(engine::HttpError error) {
  request_.fail_outgoing(id_, error);
  close();
}

void OutgoingCall::close() {
  closed_ = true;
  shared_.front.loop.cancel_timer(timer_);
  let_go();
  request_.close_outgoing(id_);
}

void OutgoingCall::let_go() {
  if (call_) {
    usage_.add(call_->usage());
    shared_.front.graveyard.bury(std::move(call_));
  }
}

void OutgoingCall::on_timeout() {
  if (!closed_) {
    refuse(responded_ ? engine::HttpError::kConnectionReadTimeout
                      : engine::HttpError::kConnectionTimeout);
  }
}

}  // namespace duet::gateway
