#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gateway/config.h"
#include "net/http_message.h"
#include "net/ip_address.h"

namespace duet::gateway {

struct Client;

// For whom a request is made, when that is not simply what the connection shows.
struct RequestOrigin {
  std::string address;          // IP of the client
  std::string_view scheme;      // http or https, a constant
  std::string host;             // the authority that the client asked for; may be empty
  std::string x_forwarded_for;  // for the backend
  std::string forwarded;        // the same as RFC 7239 has it; empty: not sent
};

// Which peers are believed when they say for whom they ask, and in which field they say it. A field
// that the proxies before this gateway do not write comes from clients as it is, so only one of
// X-Forwarded-For and Forwarded (RFC 7239) is ever read. Immutable.
class Forwarding {
 public:
  Forwarding() = default;
  // The error names the range that is none.
  static Result<Forwarding> make(const ForwardingConfig& config);

  // Whether the peer with that IP address is one of the proxies.
  bool trusts(std::string_view address) const;
  // Nothing: the client is the peer, and there is no field to be written but X-Forwarded-*.
  std::optional<RequestOrigin> origin_of(const Client& client,
                                         const net::RequestHead& request) const;

 private:
  bool trusts(const net::IpAddress& address) const;
  void read_x_forwarded(const net::RequestHead& request, RequestOrigin& origin) const;
  void read_forwarded(const net::RequestHead& request, RequestOrigin& origin) const;

  std::vector<net::IpRange> proxies_;
  bool standard_ = false;  // Forwarded is read, and written beside X-Forwarded-*
};

}  // namespace duet::gateway
