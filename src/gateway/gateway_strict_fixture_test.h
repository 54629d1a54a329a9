#pragma once

#include <condition_variable>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "gateway/gateway_fixture_test.h"

// A gateway before a server that keeps every byte it gets: what a client wrote, what was made of
// it, and what the client was told, for requests that two readers could read differently.
namespace duet::gateway {

// Keeps what it receives message by message, and answers each with "200 ok". It takes messages
// apart by a reading of its own, which knows only the two framings that the gateway writes.
class RecordingServer {
 public:
  int port() const { return server_.port(); }
  int connections() const { return server_.connections(); }
  // What came since the last call, after at least `count` messages have. One that its sender did
  // not finish begins with "partial: ".
  std::vector<std::string> take(std::size_t count);

 private:
  void serve(int fd);
  void add(std::string message);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> messages_;
  TestServer server_{[this](net::ServerConnection& connection) { serve(connection.fd()); }};
};

// The statuses of the answers in `text`, interim ones too; -1 for what is no whole answer.
std::vector<int> read_statuses(std::string_view text);

// How the gateway must answer a text.
struct StrictCase {
  const char* section;  // of the RFC that says so
  const char* name;
  std::string text;
  std::vector<int> statuses;
  std::vector<std::string> passed;
};

class StrictTest : public GatewayTest {
 protected:
  void SetUp() override;

  // Each case: the answers, what the server got byte by byte, and one line in the access log for
  // each answer.
  void expect(std::span<const StrictCase> cases);

  struct Seen {
    std::vector<int> statuses;        // of the answers, in their order
    std::vector<std::string> passed;  // what the server got
  };
  // Sends `text` on a connection of its own, then its end, and reads until the gateway closes;
  // waits until the server has got `passed` messages.
  Seen send(const std::string& text, std::size_t passed);
  // Lines of the access log since the last call, all that belong to requests that are over.
  std::vector<std::string> lines();

  RecordingServer server_;

 private:
  std::string log_text_;
};

// A request as the server is to get it from the gateway: `line` without the version, `fields` those
// of the client that are passed on, `rest` what follows the gateway's own fields.
std::string passed(const std::string& line, const std::string& host, const std::string& fields = "",
                   const std::string& rest = "\r\n");

// A request that asks for the end of the connection. It stands behind the text of each case: where
// the connection must not go on, it must not be answered. (Functions, because the
// tables of cases are made before main, in any order of files.)
std::string probe();
std::string probe_passed();

// The connection ends after `status`, and nothing is passed on.
StrictCase refused(const char* section, const char* name, const std::string& text,
                   int status = 400);
// Each of `passed` is passed on and answered with 200, and the connection goes on.
StrictCase taken(const char* section, const char* name, const std::string& text,
                 std::vector<std::string> passed);
// The server gets `begun` of a request that turns out to be wrong, and never its end.
StrictCase broken_off(const char* section, const char* name, const std::string& text,
                      const std::string& begun);

}  // namespace duet::gateway
