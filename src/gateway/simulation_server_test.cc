#include "gateway/simulation_server_test.h"

#include <cerrno>

namespace duet::gateway::simulation {

Result<sys::Fd> Server::connect() {
  if (world_.random.one_in(30)) {
    ++world_.refusals;
    return Error::from_errno("connect", ECONNREFUSED);
  }
  DUET_ASSIGN(auto wire, make_wire(world_.random));
  connections_.push_back(std::make_unique<Connection>(std::move(wire.second)));
  return std::move(wire.first);
}

void Server::step() {
  if (!connections_.empty()) {
    act(world_.random.below(connections_.size()));
  }
}

void Server::step_all() {
  for (std::size_t at = connections_.size(); at-- > 0;) {
    act(at);
  }
}

void Server::act(std::size_t at) {
  Connection& one = *connections_[at];
  const bool wrote = one.wire.write_some(world_.random);
  const bool was_read = one.wire.read_some(world_.random);
  read(one);
  const bool over = one.wire.ended() || (one.closing && one.wire.has_said_all());
  if (wrote || was_read || over) {
    world_.note(at * 8 + (over ? 4 : 0) + (wrote ? 2 : 0) + (was_read ? 1 : 0));
  }
  if (over) {
    connections_.erase(connections_.begin() + static_cast<std::ptrdiff_t>(at));
  }
}

void Server::read(Connection& one) {
  if (one.closing) {
    one.wire.in().clear();
    return;
  }
  if (!one.plan) {
    read_head(one);
  }
  if (one.plan && !one.request_whole) {
    read_body(one);
  }
  if (one.plan) {
    answer(one);
  }
}

void Server::read_head(Connection& one) {
  if (one.wire.in().empty()) {
    return;
  }
  const net::ParseResult result = one.parser.parse(one.wire.in(), one.head);
  if (result.state == net::ParseResult::State::kInvalid) {
    world_.fail(0, "a server got no request: " + std::string(result.reason));
    one.closing = true;
    return;
  }
  if (result.state == net::ParseResult::State::kIncomplete) {
    return;
  }
  const Plan plan = make_plan(world_.seed, id_of(one.head.path));
  if (one.poisoned) {
    world_.fail(plan.id, "came on a connection that had said too much");
  }
  const int times = ++world_.arrivals[plan.id];
  if (one.head.method != plan.method || one.head.path != plan.path() || plan.to_guest) {
    world_.fail(plan.id, "a server got another request: " + std::string(one.head.method) + " " +
                             std::string(one.head.path));
  }
  if (times > 1 && plan.method == "POST") {
    world_.fail(plan.id, "came twice");
  }
  one.body = net::BodyDecoder(one.head.framing, one.head.content_length, net::HttpLimits{});
  one.plan = plan;
  one.got.clear();
  one.request_whole = one.said = false;
  one.wire.in().erase(0, result.consumed);
}

void Server::read_body(Connection& one) {
  for (;;) {
    const net::BodyDecoder::Step step = one.body.next(one.wire.in());
    one.got += step.data;
    one.wire.in().erase(0, step.consumed);
    if (step.state == net::BodyDecoder::State::kInvalid) {
      world_.fail(one.plan->id, "a server got no body: " + std::string(step.reason));
    }
    if (step.state == net::BodyDecoder::State::kEnd) {
      one.request_whole = true;
      if (one.got != request_body(*one.plan)) {
        world_.fail(one.plan->id, "a server got another body");
      }
      return;
    }
    if (step.state != net::BodyDecoder::State::kData) {
      return;
    }
  }
}

void Server::answer(Connection& one) {
  const Plan& plan = *one.plan;
  if (!one.said &&
      (one.request_whole || plan.fault == Fault::kEarly || plan.fault == Fault::kNoAnswer)) {
    one.said = true;
    say(one, plan);
  }
  if (one.said && one.request_whole && plan.fault != Fault::kSilent) {
    one.plan.reset();
  }
}

void Server::say(Connection& one, const Plan& plan) {
  const std::string head = "HTTP/1.1 200 OK\r\nX-Id: " + std::to_string(plan.id) + "\r\n" +
                           framing_fields(plan.answer_framing, plan.answer_bytes) + "\r\n";
  const std::string body = frame_body(plan.answer_framing, answer_body(plan), world_.random);
  switch (plan.fault) {
    case Fault::kSilent:
      return;
    case Fault::kNoAnswer:
      one.closing = true;
      return;
    case Fault::kGarbage:
      one.wire.say("HTTP/1.1 200 OK\nX-Id: 0\n\n");
      one.closing = true;
      return;
    case Fault::kHalfHead:
      one.wire.say(head.substr(0, world_.random.below(head.size() - 1)));
      one.closing = true;
      return;
    case Fault::kHalfBody:
      one.wire.say(head + body.substr(0, world_.random.below(body.size() + 1)));
      one.closing = true;
      return;
    case Fault::kHints:
      one.wire.say("HTTP/1.1 103 Early Hints\r\nX-Id: " + std::to_string(plan.id) + "\r\n\r\n");
      break;
    default:
      break;
  }
  one.wire.say(head + body);
  if (plan.fault == Fault::kExtra) {
    const std::string extra = "HTTP/1.1 200 OK\r\nX-Id: 0\r\nContent-Length: 8\r\n\r\nsmuggled";
    one.wire.say(extra);
    one.wire.keep_together(extra.size() + 1);
    one.poisoned = true;
  }
  one.closing = plan.fault == Fault::kCloses;
}

}  // namespace duet::gateway::simulation
