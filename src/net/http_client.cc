#include "net/http_client.h"

#include "net/socket.h"

namespace duet::net {

HttpClient::HttpClient(sys::Fd socket, std::string host)
    : socket_(std::move(socket)),
      host_(std::move(host)),
      reader_(std::make_unique<MessageReader>(socket_.get(), HttpLimits{})) {}

Result<HttpClient> HttpClient::connect_unix(const std::string& path, std::int64_t timeout_ms) {
  DUET_ASSIGN(sys::Fd socket, net::connect_unix(path, timeout_ms));
  return HttpClient(std::move(socket), "localhost");
}

Result<HttpClient> HttpClient::connect_tcp(const std::string& address, std::int64_t timeout_ms) {
  DUET_ASSIGN(const SocketAddress parsed, parse_address(address));
  DUET_ASSIGN(sys::Fd socket, net::connect_tcp(parsed, timeout_ms));
  return HttpClient(std::move(socket), address);
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
  DUET_TRY(write_request_head(socket_.get(), request.method, request.target, fields));
  DUET_TRY(send_all(socket_.get(), request.body));
  DUET_ASSIGN(const ResponseHead head, reader_->read_response(request.method == "HEAD"));
  Response response{.status = head.status};
  for (const Field& field : head.fields) {
    response.fields.emplace_back(field.name, field.value);
  }
  return response;
}

}  // namespace duet::net
