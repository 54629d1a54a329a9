#pragma once

#include <optional>
#include <string_view>

#include "api/frame.h"
#include "base/result.h"
#include "pod/pods.h"

namespace duet::api {

// The client's end of an exec or an attach, whatever carries its streams. One thread calls next(),
// another one send() and end(), any thread cut().
class SessionClient {
 public:
  virtual ~SessionClient() = default;
  // What the client sends next, on the channels stdin, resize and close; nothing: it has left.
  virtual Result<std::optional<Frame>> next() = 0;
  // To the client, on the channels stdout, stderr and error, in the order of the calls.
  virtual Status send(Channel channel, std::string_view data) = 0;
  // Nothing more is sent: the client shall take what there is, and leave.
  virtual void end() = 0;
  // Ends what waits for the client, whatever it does.
  virtual void cut() = 0;
};

// What the client is told when the process has ended.
enum class SessionEnd {
  kExitCode,  // how it ended, as Kubernetes tells it of commands
  kSuccess,   // that the session is over
};

// Connects the process with the client until one of them ends. The channel error gets a Status
// (metav1) as its last word.
void run_session(SessionClient& client, pod::Session session, SessionEnd end);

}  // namespace duet::api
