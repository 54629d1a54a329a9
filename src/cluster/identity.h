#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "cluster/access.h"
#include "cluster/api_client.h"
#include "sys/clock.h"
#include "sys/randomness.h"

namespace duet::cluster {

// How a node gets into a cluster.
struct JoinOptions {
  std::string server;                // https://HOST:PORT
  std::string token_file;            // holds a bootstrap token
  std::string ca_file;               // the cluster's authority, PEM
  std::string bootstrap_kubeconfig;  // has all three; instead of them
  bool wanted() const { return !server.empty() || !bootstrap_kubeconfig.empty(); }
};

// The server, its authorities, and the token to join with. kInvalid names the flag and the file.
// Tokens of `k3s token create` are taken as they are printed.
Result<Access> read_bootstrap_access(const JoinOptions& options);

// What an agent before this one kept in `directory`. kNotFound: nothing.
Result<Access> read_kept_access(const std::string& directory);

// The node's certificate as a client of the API server: asked for with the bootstrap token, kept in
// `directory` as a kubeconfig of mode 0600, asked for anew before it ends. It stands in `access`
// when it is there. For one thread.
class Identity {
 public:
  struct Options {
    JoinOptions join;
    std::string node_name;
    std::string directory;  // <state>/cluster
    std::function<void(const std::string& line)> log;
  };

  // What is given must outlive this.
  Identity(Options options, CurrentAccess& access, const sys::Clock& clock, sys::Random& random)
      : options_(std::move(options)), access_(access), clock_(clock), random_(random) {}

  // Takes what an agent before this one kept for this server and this node, if there is something.
  // What cannot be used is logged.
  void load();
  // Whether join() must come before anything else: there is no certificate, or it has ended.
  bool missing() const;
  // Asks for a certificate with the bootstrap token. Blocks until it is there. Errors as
  // have_signed().
  Status join(const std::stop_token& stop);
  // Whether renew() is due: 70 to 90 % of the certificate's life are over.
  bool due() const;
  // Asks for the next certificate with the present one, which stays when that fails.
  Status renew(const std::stop_token& stop);

 private:
  Status obtain(const CurrentAccess& by, const std::stop_token& stop);
  Status take(const Access& access);
  Status load_kept();
  std::int64_t now_s() const {
    return std::chrono::duration_cast<std::chrono::seconds>(clock_.now().time_since_epoch())
        .count();
  }
  std::string user() const { return "system:node:" + options_.node_name; }

  Options options_;
  CurrentAccess& access_;
  const sys::Clock& clock_;
  sys::Random& random_;
  bool has_certificate_ = false;
  std::int64_t ends_s_ = 0;  // seconds since 1970; a clock's own type does not reach year 9999
  std::int64_t renew_at_s_ = 0;
};

}  // namespace duet::cluster
