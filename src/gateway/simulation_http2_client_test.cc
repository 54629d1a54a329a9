#include "gateway/simulation_http2_client_test.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace duet::gateway::simulation {

// nghttp2's functions to the client's.
struct Http2SimCallbacks {
  static Http2SimClient& of(void* user) { return *static_cast<Http2SimClient*>(user); }
  static Http2SimClient::Stream* find(void* user, std::int32_t id) {
    const auto found = of(user).places_.find(id);
    return found == of(user).places_.end() ? nullptr : &of(user).streams_[found->second];
  }
  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void* user) {
    Http2SimClient::Stream* stream = find(user, frame->hd.stream_id);
    const std::string_view key(reinterpret_cast<const char*>(name), name_size);
    const std::string_view text(reinterpret_cast<const char*>(value), value_size);
    if (stream != nullptr && key == ":status") {
      std::from_chars(text.data(), text.data() + text.size(), stream->status);
    } else if (stream != nullptr && key == "x-id") {
      stream->id = text;
    }
    return 0;
  }
  static int data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                  std::size_t size, void* user) {
    if (Http2SimClient::Stream* stream = find(user, id)) {
      stream->got.append(reinterpret_cast<const char*>(bytes), size);
    }
    return 0;
  }
  static int stream_closed(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
    if (Http2SimClient::Stream* stream = find(user, id)) {
      of(user).close_stream(*stream, error);
    }
    return 0;
  }
  // A piece of a request's body, as large as chance says.
  static ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t* into, std::size_t size,
                           std::uint32_t* flags, nghttp2_data_source* source, void* user) {
    auto& stream = *static_cast<Http2SimClient::Stream*>(source->ptr);
    const std::size_t most = std::min(size, stream.request.size());
    const std::size_t taken = most == 0 ? 0 : 1 + of(user).world_.random.below(most);
    std::memcpy(into, stream.request.data(), taken);
    stream.request.erase(0, taken);
    if (stream.request.empty()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    return static_cast<ssize_t>(taken);
  }
};

Http2SimClient::Http2SimClient(World& world, sys::Fd fd, std::vector<Plan> plans, Manners manners)
    : SimClient(world, std::move(fd), std::move(plans), manners) {
  for (const Plan& plan : plans_) {
    streams_.push_back({.plan = plan, .request = request_body(plan)});
  }
  make_session();
  for (Stream& stream : streams_) {
    submit(stream);
  }
}

void Http2SimClient::make_session() {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session* session = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Http2SimCallbacks::header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Http2SimCallbacks::data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks,
                                                         Http2SimCallbacks::stream_closed);
  nghttp2_session_client_new(&session, callbacks, this);
  nghttp2_session_callbacks_del(callbacks);
  session_.reset(session);
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, nullptr, 0);
}

void Http2SimClient::submit(Stream& stream) {
  const Plan& plan = stream.plan;
  std::vector<std::pair<std::string, std::string>> fields = {
      {":method", plan.method}, {":scheme", "http"}, {":authority", "sim"}, {":path", plan.path()}};
  if (plan.request_framing == net::Framing::kLength) {
    fields.emplace_back("content-length", std::to_string(plan.request_bytes));
  }
  std::vector<nghttp2_nv> section;
  for (auto& [name, value] : fields) {
    section.push_back({reinterpret_cast<std::uint8_t*>(name.data()),
                       reinterpret_cast<std::uint8_t*>(value.data()), name.size(), value.size(),
                       NGHTTP2_NV_FLAG_NONE});
  }
  nghttp2_data_provider body{};
  body.source.ptr = &stream;
  body.read_callback = Http2SimCallbacks::read_body;
  const std::int32_t id = nghttp2_submit_request(
      session_.get(), nullptr, section.data(), section.size(),
      plan.request_framing == net::Framing::kNone ? nullptr : &body, nullptr);
  places_[id] = static_cast<std::size_t>(&stream - streams_.data());
}

// Lets nghttp2 write while the wire takes it.
void Http2SimClient::say() {
  while (wire_.has_said_all()) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_.get(), &bytes);
    if (size <= 0) {
      return;
    }
    wire_.say({reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)});
  }
}

void Http2SimClient::act(bool lazy) {
  if (is_gone()) {
    return;
  }
  say();
  if (wire_.write_some(world_.random)) {
    world_.note(2);
  }
  if (!lazy && wire_.read_some(world_.random)) {
    world_.note(1);
    const std::string& in = wire_.in();
    const ssize_t used = nghttp2_session_mem_recv(
        session_.get(), reinterpret_cast<const std::uint8_t*>(in.data()), in.size());
    if (used < 0) {
      world_.fail(plans_[0].id,
                  std::string("no HTTP/2: ") + nghttp2_strerror(static_cast<int>(used)));
    }
    wire_.in().clear();
  }
  if (wire_.ended() || all_closed()) {
    check_end();
    wire_.close();
  }
}

void Http2SimClient::close_stream(Stream& stream, std::uint32_t error) {
  stream.closed = true;
  const Plan& plan = stream.plan;
  world_.note(static_cast<std::uint64_t>(stream.status));
  if (error != NGHTTP2_NO_ERROR) {
    const bool refused = drained_ && error == NGHTTP2_REFUSED_STREAM;
    if (!disturbed_ && !refused && !plan.may_be_cut()) {
      world_.fail(plan.id, std::string("was reset: ") + nghttp2_http2_strerror(error));
    }
    return;
  }
  stream.whole = true;
  if (stream.status == 200) {
    if (stream.got != answer_body(plan) || stream.id != std::to_string(plan.id)) {
      world_.fail(plan.id, "got another body, or the answer of " + stream.id);
    }
  } else if (!may_fail(plan, stream.got)) {
    world_.fail(plan.id, "got " + std::to_string(stream.status) + " " + stream.got);
  }
}

bool Http2SimClient::all_closed() const {
  return std::all_of(streams_.begin(), streams_.end(),
                     [](const Stream& stream) { return stream.closed; });
}

// The connection ended: no request may wait for its answer.
void Http2SimClient::check_end() {
  for (const Stream& stream : streams_) {
    if (!stream.closed && !disturbed_ && manners_ != Manners::kRude) {
      world_.fail(stream.plan.id, "the connection ended before its answer");
    }
  }
}

}  // namespace duet::gateway::simulation
