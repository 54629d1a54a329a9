#include "engine/handler.h"

#include <limits>

#include "engine/code_file.h"
#include "engine/duet_engine.h"
#include "engine/error_from.h"
#include "engine/raw_request.h"

namespace duet::engine {
namespace {

std::string_view view(duet_slice slice) { return {slice.data, slice.size}; }

// The crate's form of a configuration.
class RawConfig {
 public:
  explicit RawConfig(const HandlerConfig& config) {
    for (const auto& [name, value] : config.environment) {
      environment_.push_back({slice(name), slice(value)});
    }
    for (const std::string& argument : config.arguments) {
      arguments_.push_back(slice(argument));
    }
    raw_ = {environment_.data(), environment_.size(), arguments_.data(), arguments_.size()};
  }
  RawConfig(const RawConfig&) = delete;
  RawConfig& operator=(const RawConfig&) = delete;

  const duet_handler_config& get() const { return raw_; }

 private:
  std::vector<duet_field> environment_;
  std::vector<duet_slice> arguments_;
  duet_handler_config raw_{};
};

void fill(std::vector<Field>& out, const duet_field* fields, std::size_t count) {
  out.clear();
  out.reserve(count);
  for (const duet_field& field : std::span(fields, count)) {
    out.push_back({view(field.name), view(field.value)});
  }
}

Frame to_frame(const duet_frame& raw, std::vector<Field>& trailers) {
  Frame frame{static_cast<Frame::Kind>(raw.kind), view(raw.data), {}};
  if (raw.trailer_count > 0) {
    fill(trailers, raw.trailers, raw.trailer_count);
    frame.trailers = trailers;
  }
  return frame;
}

std::optional<std::uint64_t> timeout(std::uint64_t ns) {
  if (ns == std::numeric_limits<std::uint64_t>::max()) {
    return std::nullopt;
  }
  return ns;
}

auto loader_of(Kind kind) {
  switch (kind) {
    case Kind::kAsyncHandler:
      return duet_handler_load_service;
    case Kind::kModuleHandler:
      return duet_handler_load_command;
    default:
      return duet_handler_load;
  }
}

}  // namespace

Result<Handler> Handler::load(Engine& engine, int fd, const HandlerConfig& config) {
  DUET_ASSIGN(const CodeFooter footer, read_code_footer(fd));
  if (!is_handler(footer.kind)) {
    return invalid("request handler: the code is of a " + std::string(kind_name(footer.kind)));
  }
  const auto load = loader_of(footer.kind);
  const RawConfig raw(config);
  duet_handler* handler = nullptr;
  duet_error error{};
  if (load(engine.raw(), fd, &raw.get(), &handler, &error) != DUET_OK) {
    return take_error(error).wrap("request handler");
  }
  return Handler(handler, footer.kind);
}

Result<Handler> Handler::share(const HandlerConfig& config) const {
  const RawConfig raw(config);
  duet_handler* handler = nullptr;
  duet_error error{};
  if (duet_handler_share(handler_, &raw.get(), &handler, &error) != DUET_OK) {
    return take_error(error).wrap("request handler");
  }
  return Handler(handler, kind_);
}

Handler::~Handler() {
  if (handler_ != nullptr) {
    duet_handler_free(handler_);
  }
}

Handler::Handler(Handler&& other) noexcept
    : handler_(std::exchange(other.handler_, nullptr)), kind_(other.kind_) {}

Handler& Handler::operator=(Handler&& other) noexcept {
  std::swap(handler_, other.handler_);
  std::swap(kind_, other.kind_);
  return *this;
}

Result<HandlerRequest> HandlerRequest::start(Handler& handler, const RequestHead& head,
                                             const RequestLimits& limits, std::uint64_t token) {
  const RawHead raw(head);
  const duet_limits raw_limits = to_raw(limits);
  duet_request* request = nullptr;
  duet_error error{};
  if (duet_request_start(handler.raw(), &raw.get(), &raw_limits, token, &request, &error) !=
      DUET_OK) {
    return take_error(error);
  }
  return HandlerRequest(request);
}

Result<HandlerRequest> HandlerRequest::start_command(Handler& handler, const CommandInput& input,
                                                     const RequestLimits& limits,
                                                     std::uint64_t token) {
  const duet_command_input raw{slice(input.environment), input.body_complete};
  const duet_limits raw_limits = to_raw(limits);
  duet_request* request = nullptr;
  duet_error error{};
  if (duet_command_start(handler.raw(), &raw, &raw_limits, token, &request, &error) != DUET_OK) {
    return take_error(error);
  }
  return HandlerRequest(request);
}

HandlerRequest::~HandlerRequest() {
  if (request_ != nullptr) {
    duet_request_free(request_);
  }
}

HandlerRequest::HandlerRequest(HandlerRequest&& other) noexcept
    : request_(std::exchange(other.request_, nullptr)),
      head_(std::move(other.head_)),
      trailers_(std::move(other.trailers_)),
      outgoing_(std::move(other.outgoing_)) {}

HandlerRequest& HandlerRequest::operator=(HandlerRequest&& other) noexcept {
  std::swap(request_, other.request_);
  head_.swap(other.head_);
  trailers_.swap(other.trailers_);
  outgoing_.swap(other.outgoing_);
  return *this;
}

RequestEvents HandlerRequest::poll() { return {duet_request_poll(request_)}; }

std::optional<ResponseHead> HandlerRequest::response_head() {
  duet_response_head raw{};
  if (!duet_request_response_head(request_, &raw)) {
    return std::nullopt;
  }
  fill(head_, raw.headers, raw.header_count);
  return ResponseHead{raw.status, head_};
}

Frame HandlerRequest::read() {
  duet_frame raw{};
  duet_request_read(request_, &raw);
  return to_frame(raw, trailers_);
}

std::size_t HandlerRequest::write(std::string_view data) {
  return duet_request_write(request_, data.data(), data.size());
}

Status HandlerRequest::finish(std::span<const Field> trailers) {
  const RawFields raw(trailers);
  duet_error error{};
  if (duet_request_finish(request_, raw.data(), raw.size(), &error) != DUET_OK) {
    return take_error(error).wrap("trailers of the request");
  }
  return {};
}

void HandlerRequest::abort(HttpError error) {
  duet_request_abort(request_, static_cast<std::int32_t>(error));
}

std::optional<LogPiece> HandlerRequest::next_log() {
  duet_log raw{};
  if (!duet_request_log(request_, &raw)) {
    return std::nullopt;
  }
  return LogPiece{view(raw.output), raw.error_stream, raw.dropped_bytes};
}

std::optional<RequestEnd> HandlerRequest::end() {
  duet_end raw{};
  if (!duet_request_end(request_, &raw)) {
    return std::nullopt;
  }
  return RequestEnd{static_cast<RequestEnd::Outcome>(raw.outcome), view(raw.message), raw.cpu_ns,
                    raw.peak_memory_bytes};
}

RequestUsage HandlerRequest::usage() const {
  duet_usage raw{};
  duet_request_usage(request_, &raw);
  return {.cpu_ns = raw.cpu_ns, .peak_memory_bytes = raw.peak_memory_bytes};
}

std::optional<OutgoingHead> HandlerRequest::next_outgoing() {
  duet_outgoing_head raw{};
  if (!duet_request_next_outgoing(request_, &raw)) {
    return std::nullopt;
  }
  auto& [id, headers] = outgoing_.emplace_back();
  id = raw.id;
  fill(headers, raw.headers, raw.header_count);
  return OutgoingHead{raw.id,
                      view(raw.method),
                      view(raw.scheme),
                      view(raw.authority),
                      view(raw.path_with_query),
                      headers,
                      timeout(raw.connect_timeout_ns),
                      timeout(raw.first_byte_timeout_ns),
                      timeout(raw.between_bytes_timeout_ns)};
}

OutgoingState HandlerRequest::outgoing_state(std::uint32_t id) {
  return {duet_outgoing_state(request_, id)};
}

Frame HandlerRequest::read_outgoing(std::uint32_t id) {
  duet_frame raw{};
  duet_outgoing_read(request_, id, &raw);
  return to_frame(raw, trailers_);
}

Status HandlerRequest::respond_outgoing(std::uint32_t id, std::uint16_t status,
                                        std::span<const Field> headers, bool body_complete) {
  const RawFields raw(headers);
  duet_error error{};
  if (duet_outgoing_respond(request_, id, status, raw.data(), raw.size(), body_complete, &error) !=
      DUET_OK) {
    return take_error(error).wrap("response for the guest");
  }
  return {};
}

std::size_t HandlerRequest::write_outgoing(std::uint32_t id, std::string_view data) {
  return duet_outgoing_write(request_, id, data.data(), data.size());
}

Status HandlerRequest::finish_outgoing(std::uint32_t id, std::span<const Field> trailers) {
  const RawFields raw(trailers);
  duet_error error{};
  if (duet_outgoing_finish(request_, id, raw.data(), raw.size(), &error) != DUET_OK) {
    return take_error(error).wrap("trailers for the guest");
  }
  return {};
}

void HandlerRequest::fail_outgoing(std::uint32_t id, HttpError error) {
  duet_outgoing_fail(request_, id, static_cast<std::int32_t>(error));
}

void HandlerRequest::close_outgoing(std::uint32_t id) {
  duet_outgoing_close(request_, id);
  std::erase_if(outgoing_, [id](const auto& open) { return open.first == id; });
}

}  // namespace duet::engine
