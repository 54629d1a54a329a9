#include "net/http_client.h"

#include "net/socket.h"

namespace duet::net {

HttpClient::HttpClient(sys::Fd socket, std::unique_ptr<ByteStream> stream, std::string host)
    : socket_(std::move(socket)),
      stream_(std::move(stream)),
      host_(std::move(host)),
      reader_(std::make_unique<MessageReader>(*stream_, HttpLimits{})) {}

Result<HttpClient> HttpClient::connect_unix(const std::string& path, std::int64_t timeout_ms) {
  DUET_ASSIGN(sys::Fd socket, net::connect_unix(path, timeout_ms));
  auto stream = std::make_unique<SocketStream>(socket.get());
  return HttpClient(std::move(socket), std::move(stream), "localhost");
}

Result<HttpClient> HttpClient::connect_tcp(const std::string& address, std::int64_t timeout_ms) {
  DUET_ASSIGN(const SocketAddress parsed, parse_address(address));
  DUET_ASSIGN(sys::Fd socket, net::connect_tcp(parsed, timeout_ms));
  auto stream = std::make_unique<SocketStream>(socket.get());
  return HttpClient(std::move(socket), std::move(stream), address);
}

HttpClient HttpClient::over_tls(sys::Fd socket, std::unique_ptr<StreamCipher> cipher,
                                std::string host, std::int64_t timeout_ms) {
  auto stream = std::make_unique<CipherByteStream>(socket.get(), std::move(cipher), timeout_ms);
  return {std::move(socket), std::move(stream), std::move(host)};
}

Result<HttpClient::Response> HttpClient::send(const ClientRequest& request) {
  FieldList fields;
  if (find_value(request.fields, "host").empty()) {
    fields.emplace_back("Host", host_);
  }
  if (!request.body.empty() && find_value(request.fields, "content-length").empty()) {
    fields.emplace_back("Content-Length", std::to_string(request.body.size()));
  }
  fields.insert(fields.end(), request.fields.begin(), request.fields.end());
  DUET_TRY(write_request_head(*stream_, request.method, request.target, fields));
  DUET_TRY(stream_->send(request.body));
  DUET_ASSIGN(const ResponseHead head, reader_->read_response(request.method == "HEAD"));
  Response response{.status = head.status, .keep_alive = head.keep_alive};
  for (const Field& field : head.fields) {
    response.fields.emplace_back(field.name, field.value);
  }
  return response;
}

}  // namespace duet::net
