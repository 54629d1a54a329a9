#include "gateway/handler_call.h"

#include <algorithm>
#include <charconv>

#include "gateway/guest_answer.h"
#include "gateway/handler_start.h"

namespace duet::gateway {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

using Outcome = engine::RequestEnd::Outcome;

struct OutcomeAnswer {
  int status;
  std::string_view reason;
};

OutcomeAnswer answer_for(Outcome outcome) {
  switch (outcome) {
    case Outcome::kNoResponse:
      return {502, "NoResponse"};
    case Outcome::kGuestError:
      return {502, "GuestError"};
    case Outcome::kTrap:
      return {502, "Trap"};
    case Outcome::kCpuBudget:
      return {504, "CPULimit"};
    case Outcome::kMemoryLimit:
      return {502, "MemoryLimit"};
    case Outcome::kExhausted:
      return {503, "NoSandbox"};
    case Outcome::kExit:
      return {502, "ExitCode"};
    default:
      return {500, "EngineError"};
  }
}

}  // namespace

HandlerCall::HandlerCall(std::shared_ptr<HandlerShared> shared, const CallHead& head,
                         Caller& caller)
    : shared_(std::move(shared)),
      caller_(caller),
      origin_{.steps = head.steps, .step = head.step, .hops = head.hops} {
  ++shared_->in_flight;
  usage_.cold = !std::exchange(shared_->warm, true);
  if (shared_->cgi) {
    const auto head_bytes = static_cast<std::size_t>(shared_->config.limits.header_bytes);
    printed_head_ = std::make_unique<CgiResponseHead>(head_bytes);
  }
}

HandlerCall::~HandlerCall() {
  outgoing_.clear();
  --shared_->in_flight;
}

std::unique_ptr<Call> HandlerCall::start(std::shared_ptr<HandlerShared> shared,
                                         const CallHead& head, Caller& caller) {
  std::unique_ptr<HandlerCall> call(new HandlerCall(std::move(shared), head, caller));
  auto started = start_request(*call->shared_, head, SandboxEngine::token(*call));
  if (!started.ok()) {
    const bool exhausted = started.error().code() == ErrorCode::kExhausted;
    const bool bad = started.error().code() == ErrorCode::kInvalid;
    return std::make_unique<FailedCall>(
        caller, Failure{.status = exhausted ? 503 : (bad ? 400 : 500),
                        .reason = exhausted ? "NoSandbox" : (bad ? "BadRequest" : "EngineError"),
                        .detail = started.error().message()});
  }
  call->request_.emplace(std::move(*started));
  return call;
}

void HandlerCall::begin() {
  net::EventLoop& loop = shared_->front.loop;
  if (!shared_->config.allow_outbound.empty()) {
    origin_.table = shared_->front.table;
  }
  began_ns_ = loop.now_ns();
  loop.set_timer(
      timer_,
      std::min(shared_->config.limits.first_byte_ms, shared_->config.limits.wall_ms) * kNsPerMs);
  // Otherwise the engine gives it its turns.
  if (!shared_->conduct.goes_last()) {
    poll();
  }
}

void HandlerCall::on_sandbox_ready() {
  poll();
  caller_.on_flush();
}

void HandlerCall::poll() {
  if (!request_ || done_) {
    return;
  }
  const engine::RequestEvents events = request_->poll();
  if (events.log()) {
    take_logs();
  }
  if (events.head() && !head_passed_) {
    pass_head();
  }
  if (events.outgoing() && !done_) {
    serve_outgoing();
  }
  if (events.end() && !done_) {
    take_end();
  }
  read_answer();
  finish_if_complete();
  if (!done_ && body_short_ && events.writable()) {
    body_short_ = false;
    caller_.on_want_body();
  }
}

void HandlerCall::pass_head() {
  const std::optional<engine::ResponseHead> head = request_->response_head();
  if (!head) {
    return;
  }
  AnswerHead answer;
  std::vector<net::Field> fields;
  if (const char* wrong = read_guest_head(*head, fields, answer)) {
    fail(502, "BadAnswer", wrong);
    return;
  }
  answer_with(answer);
}

void HandlerCall::answer_with(const AnswerHead& head) {
  head_passed_ = true;
  const std::int64_t spent_ns = shared_->front.loop.now_ns() - began_ns_;
  shared_->front.loop.set_timer(timer_, shared_->config.limits.wall_ms * kNsPerMs - spent_ns);
  caller_.on_head(head);
}

void HandlerCall::read_answer() {
  if (printed_head_ && !head_passed_ && !done_) {
    read_printed_head();
  }
  if (head_passed_ && !done_) {
    read_body();
  }
}

// A command's answer, up to its body.
void HandlerCall::read_printed_head() {
  while (!head_passed_ && !done_) {
    const engine::Frame frame = request_->read();
    if (frame.kind == engine::Frame::Kind::kPending) {
      return;
    }
    if (frame.kind != engine::Frame::Kind::kData) {
      const bool nothing = printed_head_->empty();
      fail(502, nothing ? "NoResponse" : "BadAnswer",
           nothing ? "the guest printed nothing" : "the guest ended within its answer's head");
      return;
    }
    std::string_view data = frame.data;
    switch (printed_head_->feed(data)) {
      case CgiResponseHead::State::kMore:
        break;
      case CgiResponseHead::State::kBad:
        fail(502, "BadAnswer", printed_head_->why());
        return;
      case CgiResponseHead::State::kHead:
        answer_with(printed_head_->answer());
        if (!done_) {
          pass_data(data);
        }
    }
  }
}

void HandlerCall::pass_data(std::string_view data) {
  response_bytes_ += data.size();
  if (response_bytes_ > static_cast<std::uint64_t>(shared_->config.limits.response_bytes)) {
    fail(502, "ResponseLimit", "the guest's body is larger than its limit");
    return;
  }
  paused_ = !caller_.on_data(data);
}

void HandlerCall::read_body() {
  while (!paused_ && !body_ended_ && !done_) {
    const engine::Frame frame = request_->read();
    switch (frame.kind) {
      case engine::Frame::Kind::kPending:
        return;
      case engine::Frame::Kind::kData:
        pass_data(frame.data);
        break;
      case engine::Frame::Kind::kTrailers:
        trailers_ = keep_guest_trailers(frame.trailers);
        body_ended_ = true;
        break;
      case engine::Frame::Kind::kEnd:
        body_ended_ = true;
        break;
      case engine::Frame::Kind::kError:
        fail(502, "BodyAbandoned", std::string(frame.data));
        return;
    }
  }
}

void HandlerCall::take_end() {
  const std::optional<engine::RequestEnd> end = request_->end();
  if (!end) {
    return;
  }
  guest_ended_ = true;
  if (end->outcome != Outcome::kOk) {
    const OutcomeAnswer answer = answer_for(end->outcome);
    fail(answer.status, answer.reason, std::string(end->message));
  }
}

void HandlerCall::finish_if_complete() {
  if (done_ || !guest_ended_ || !body_ended_) {
    return;
  }
  done_ = true;
  std::vector<net::Field> trailers;
  for (const auto& [name, value] : trailers_) {
    const net::FieldId id = net::field_id(name);
    if (!net::is_hop_by_hop(id) && id != net::FieldId::kContentLength) {
      trailers.push_back({name, value, id});
    }
  }
  end_sandbox();
  caller_.on_end(trailers);
}

void HandlerCall::fail(int status, std::string_view reason, std::string detail) {
  if (done_) {
    return;
  }
  done_ = failed_ = true;
  end_sandbox();
  caller_.on_failure({.status = status, .reason = reason, .detail = std::move(detail)});
}

Usage HandlerCall::usage() const {
  Usage usage = usage_;
  if (request_) {
    const engine::RequestUsage used = request_->usage();
    usage.add({.cpu_ns = static_cast<std::int64_t>(used.cpu_ns),
               .peak_memory_bytes = used.peak_memory_bytes});
  }
  for (const auto& call : outgoing_) {
    usage.add(call->usage());
  }
  return usage;
}

// Frees the sandbox for the next request at once; this object may live on for a moment.
void HandlerCall::end_sandbox() {
  shared_->front.loop.cancel_timer(timer_);
  outgoing_.clear();  // adds to usage_
  if (request_) {
    end_logs();
    shared_->conduct.note(request_->usage().cpu_ns, !failed_);
    usage_ = usage();
  }
  request_.reset();
}

void HandlerCall::cancel() {
  if (!done_) {
    done_ = true;
    end_sandbox();
  }
}

void HandlerCall::on_timeout() {
  const bool answered = head_passed_;
  fail(504, answered ? "WallLimit" : "Timeout",
       answered ? "the guest took too long in all" : "the guest did not answer in time");
  caller_.on_flush();
}

std::size_t HandlerCall::write_body(std::string_view data) {
  if (!request_) {
    return data.size();
  }
  const std::size_t taken = request_->write(data);
  body_short_ = taken < data.size();
  return taken;
}

void HandlerCall::finish_body(std::span<const net::Field> trailers) {
  if (request_) {
    std::vector<engine::Field> memory;
    // Trailers that the guest could not take are the client's mistake, and not worth an answer of
    // their own.
    if (!request_->finish(engine_fields(trailers, memory)).ok()) {
      request_->abort(engine::HttpError::kProtocolError);
    }
  }
}

void HandlerCall::resume_answer() {
  paused_ = false;
  if (request_ && head_passed_ && !done_) {
    read_body();
    finish_if_complete();
  }
}

void HandlerCall::take_logs() {
  while (request_) {
    const std::optional<engine::LogPiece> piece = request_->next_log();
    if (!piece) {
      return;
    }
    std::unique_ptr<LineCutter>& lines = piece->error_stream ? error_lines_ : out_lines_;
    if (!lines) {
      lines = std::make_unique<LineCutter>(shared_->log, piece->error_stream);
    }
    lines->write(piece->text);
    log_dropped_ += piece->dropped_bytes;
  }
}

// What the guest printed last, and how much of it all was too much.
void HandlerCall::end_logs() {
  take_logs();
  out_lines_.reset();
  error_lines_.reset();
  if (log_dropped_ > 0) {
    shared_->log.write(true,
                       "[duet: " + std::to_string(log_dropped_) +
                           " bytes of output dropped: over duet.edge/max-log-bytes]",
                       true);
  }
}

void HandlerCall::serve_outgoing() {
  while (const std::optional<engine::OutgoingHead> head = request_->next_outgoing()) {
    start_outgoing(*head);
  }
  for (const auto& call : outgoing_) {
    call->pump();
  }
  std::erase_if(outgoing_, [](const auto& call) { return call->closed(); });
}

void HandlerCall::start_outgoing(const engine::OutgoingHead& head) {
  outgoing_.push_back(std::make_unique<OutgoingCall>(*shared_, *request_, head, origin_, usage_));
  outgoing_.back()->begin();
}

}  // namespace duet::gateway
