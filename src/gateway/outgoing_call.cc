#include "gateway/outgoing_call.h"

#include <algorithm>
#include <charconv>

#include "gateway/guest_request.h"
#include "gateway/proxy_call.h"
#include "gateway/route_steps.h"

namespace duet::gateway {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::size_t kRestBytes = 64 << 10;  // of a body in one direction
// To a server of the internet: TLS takes two round trips more, which may be slow ones.
constexpr std::int64_t kTlsConnectMs = 5'000;

engine::HttpError error_for(const Failure& failure) {
  if (failure.reason == "ConnectFailed") {
    return engine::HttpError::kConnectionRefused;
  }
  if (failure.reason == "HandshakeFailed") {
    return engine::HttpError::kTlsProtocolError;
  }
  if (failure.reason == "CertificateRefused") {
    return engine::HttpError::kTlsCertificateError;
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

OutgoingCall::OutgoingCall(HandlerShared& shared, engine::HandlerRequest& request,
                           const engine::OutgoingHead& head, OutgoingOrigin& origin, Usage& usage)
    : shared_(shared),
      request_(request),
      head_(head),
      id_(head.id),
      destination_(parse_destination(head.scheme, head.authority)),
      origin_(origin),
      usage_(usage),
      is_next_step_(destination_.host == RouteSteps::kAuthority),
      tls_name_(head.scheme == "https" && !is_next_step_ ? destination_.host : "") {
  if (is_next_step_ ? may_ask_next_step() : may_go()) {
    call_ = connect();
  }
}

OutgoingCall::~OutgoingCall() { let_go(); }

// Whether the guest's budgets and rights allow this; if not, the guest has been told.
bool OutgoingCall::may_go() {
  if (!count_request()) {
    return false;
  }
  const std::string url = std::string(head_.scheme) + "://" + std::string(head_.authority);
  if (!shared_.outbound.allows(head_.scheme, destination_)) {
    return deny(engine::HttpError::kRequestDenied,
                "outgoing request to " + url + " denied: allow it with duet.edge/allow-outbound");
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
  log(why);
  refuse(error);
  return false;
}

void OutgoingCall::log(const std::string& what) {
  shared_.log.write(true, "[duet: " + what + "]", true);
}

// A call to where the request leads; none yet if its name has to be looked up.
std::unique_ptr<Call> OutgoingCall::connect() {
  if (is_next_step_) {
    return start_call([this](const CallHead& head) {
      return origin_.steps->start(origin_.step + 1, head, *this);
    });
  }
  if (Backend* service = origin_.table
                             ? origin_.table->service(destination_.host, destination_.port,
                                                      shared_.config.ns, shared_.front.random())
                             : nullptr) {
    return start_call(
        [this, service](const CallHead& head) { return service->start(head, *this); });
  }
  if (net::IpAddress::parse(destination_.host)) {
    return ask_addresses({destination_.host});
  }
  if (destination_.host == "localhost") {
    return ask_addresses({"127.0.0.1"});
  }
  looks_up_ = true;  // begin() does
  return nullptr;
}

// What `start` makes of the guest's request; none if it is no request, and the guest has been told.
std::unique_ptr<Call> OutgoingCall::start_call(
    const std::function<std::unique_ptr<Call>(const CallHead&)>& start) {
  std::vector<net::Field> fields;
  CallHead call{.tls_name = tls_name_, .takes_trailers = true, .hops = origin_.hops + 1};
  if (const char* wrong = read_guest_request(head_, fields, call)) {
    deny(engine::HttpError::kProtocolError, std::string("outgoing request denied: ") + wrong);
    return nullptr;
  }
  return start(call);
}

// A connection to one of `addresses`, tried in their order: only to those that the handler may
// reach. This is the last look at them, and what is connected to is what was looked at, so a name
// that changes its mind gains nothing.
std::unique_ptr<Call> OutgoingCall::ask_addresses(const std::vector<std::string>& addresses) {
  std::vector<Origin*> origins;
  shared_.pool.prune();
  for (const std::string& text : addresses) {
    const auto address = net::IpAddress::parse(text);
    if (!address || !shared_.outbound.allows_address(head_.scheme, destination_, *address)) {
      continue;
    }
    if (auto origin = shared_.pool.origin(text, destination_.port, tls_name_); origin.ok()) {
      origins.push_back(*origin);
    }
  }
  if (origins.empty()) {
    deny(engine::HttpError::kDestinationIpProhibited,
         "outgoing request to " + std::string(head_.authority) + " denied: " + addresses.front() +
             " is not on the internet; name it or its range in duet.edge/allow-outbound");
    return nullptr;
  }
  UpstreamTimeouts timeouts;
  timeouts.connect_ms = tls_name_.empty() ? timeouts.connect_ms : kTlsConnectMs;
  return start_call([&](const CallHead& head) {
    return std::make_unique<ProxyCall>(
        shared_.pool, std::make_shared<ListedServers>(std::move(origins)), timeouts, head, *this);
  });
}

void OutgoingCall::look_up() {
  auto resolver = shared_.front.resolver();
  if (!resolver.ok()) {
    looks_up_ = false;
    deny(engine::HttpError::kDnsError, resolver.error().message());
    return;
  }
  if (const auto known = (*resolver)->resolve(destination_.host, *this)) {
    on_resolved(*known);
  }
}

void OutgoingCall::on_resolved(const net::Resolver::Answer& answer) {
  looks_up_ = false;
  if (closed_) {
    return;
  }
  if (!answer.ok()) {
    deny(answer.error().code() == ErrorCode::kTimeout ? engine::HttpError::kDnsTimeout
                                                      : engine::HttpError::kDnsError,
         answer.error().message());
    return;
  }
  call_ = ask_addresses(*answer);
  if (call_) {
    call_->begin();
    pump_request();
  }
}

void OutgoingCall::begin() {
  if (closed_) {
    return;
  }
  if (!is_next_step_) {  // whose time is the route's and the handler's own
    shared_.front.loop.set_timer(timer_, shared_.config.limits.outgoing_ms * kNsPerMs);
  }
  set_timer(connect_timer_, head_.connect_timeout_ns);
  set_timer(silence_timer_, head_.first_byte_timeout_ns);
  if (looks_up_) {
    look_up();
  } else if (call_) {
    call_->begin();
  }
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
  await_bytes();
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
  await_bytes();
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
  await_bytes();
  pump_answer();
}

void OutgoingCall::pump_answer() {
  if (closed_) {
    return;
  }
  if (!answer_rest_.empty()) {
    answer_rest_.erase(0, request_.write_outgoing(id_, answer_rest_));
    await_bytes();
  }
  if (paused_ && call_ && answer_rest_.size() < kRestBytes / 2) {
    paused_ = false;
    call_->resume_answer();
  }
  if (answer_ended_ && answer_rest_.empty() && !closed_) {
    std::vector<engine::Field> trailers;
    trailers.reserve(trailers_.size());
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
  if (closed_) {
    return;
  }
  const engine::HttpError error = error_for(failure);
  // Only people can mend what TLS has against a server.
  const bool refused = error == engine::HttpError::kTlsCertificateError;
  if (refused || error == engine::HttpError::kTlsProtocolError) {
    log("outgoing request to https://" + std::string(head_.authority) + " failed: " +
        (refused ? "the server's certificate: " : "the TLS handshake: ") + failure.detail);
  }
  refuse(error);
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
  for (net::Timer* timer :
       {static_cast<net::Timer*>(&timer_), static_cast<net::Timer*>(&connect_timer_),
        static_cast<net::Timer*>(&silence_timer_)}) {
    shared_.front.loop.cancel_timer(*timer);
  }
  let_go();
  request_.close_outgoing(id_);
}

void OutgoingCall::let_go() {
  if (looks_up_) {
    looks_up_ = false;
    if (auto resolver = shared_.front.resolver(); resolver.ok()) {
      (*resolver)->forget(*this);
    }
  }
  if (call_) {
    usage_.add(call_->usage());
    shared_.front.graveyard.bury(std::move(call_));
  }
}

void OutgoingCall::set_timer(net::Timer& timer, std::optional<std::uint64_t> time_ns) {
  constexpr std::uint64_t kLongestNs = std::uint64_t{1} << 60;  // as good as for ever
  if (time_ns) {
    shared_.front.loop.set_timer(timer, static_cast<std::int64_t>(std::min(*time_ns, kLongestNs)));
  }
}

// The answer's next bytes are due, unless there are no more, or the guest is to take some first.
void OutgoingCall::await_bytes() {
  shared_.front.loop.cancel_timer(silence_timer_);
  if (!answer_ended_ && answer_rest_.empty()) {
    set_timer(silence_timer_, head_.between_bytes_timeout_ns);
  }
}

void OutgoingCall::on_timeout() {
  if (!closed_) {
    refuse(responded_ ? engine::HttpError::kConnectionReadTimeout
                      : engine::HttpError::kConnectionTimeout);
  }
}

void OutgoingCall::on_connect_timeout() {
  if (!closed_ && (!call_ || !call_->connected())) {
    refuse(engine::HttpError::kConnectionTimeout);
  }
}

void OutgoingCall::on_silence() {
  if (!closed_) {
    refuse(engine::HttpError::kConnectionReadTimeout);
  }
}

}  // namespace duet::gateway
