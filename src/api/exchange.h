#pragma once

#include <string>
#include <string_view>

#include "api/context.h"
#include "api/failure.h"
#include "api/query.h"
#include "api/resource_path.h"
#include "net/http_server.h"

namespace duet::api {

// One request, and the ways to answer it. A failed Status of the answering functions means that the
// client is gone; handlers then just return. Used by one thread.
class Exchange {
 public:
  Exchange(const Context& context, net::ServerConnection& connection,
           const net::ServerConnection::Request& request, size_t body_size_bytes);

  const Context context;
  net::ServerConnection& connection;
  const net::ServerConnection::Request& request;
  Query query;
  ResourcePath path;  // for requests about objects

  // Empty when there is none; answers by itself and gives nothing when it is too large or cut off.
  std::optional<std::string> body();
  // The media type of the body, in lower case without parameters.
  std::string content_type() const;

  void answer_json(int status, std::string_view json);
  void answer_text(int status, std::string_view text);
  void answer(const Failure& failure);
  void answer(const Error& error) { answer(failure_of(error)); }

  // Whether the client has closed the connection (for handlers that mostly wait).
  bool client_gone() const;

 private:
  size_t body_size_bytes_;
};

}  // namespace duet::api
