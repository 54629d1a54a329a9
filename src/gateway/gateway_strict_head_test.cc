#include "gateway/gateway_strict_fixture_test.h"

// The start of requests: lines, targets, hosts, fields. What RFC 9112 and RFC 9110 want, by
// section, and where they leave a choice, the strict one.
namespace duet::gateway {
namespace {

// A GET request with more lines in its head.
std::string get(const std::string& lines) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n";
}
std::string with_target(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
}
std::string with_host(const std::string& line) { return "GET / HTTP/1.1\r\n" + line + "\r\n"; }

// A field that makes a head of `size` bytes.
std::string padding(std::size_t size) {
  return "X: " + std::string(size - get("X: \r\n").size(), 'x') + "\r\n";
}
std::string head_of(std::size_t size) { return get(padding(size)); }

const StrictCase kLines[] = {
    taken("9112 2.2", "an empty line first", "\r\n" + get(""), {passed("GET /", "a")}),
    refused("9112 2.2", "two empty lines first", "\r\n\r\n" + get("")),
    refused("9112 2.2", "bare LF first", "\n" + get("")),
    refused("9112 2.2", "bare CR first", "\r" + get("")),
    refused("9112 2.2", "bare LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n"),
    refused("9112 2.2", "bare LF after a field", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"),
    refused("9112 2.2", "bare LF for the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n"),
    refused("9112 2.2", "bare LFs only", "GET / HTTP/1.1\nHost: a\n\n"),
    refused("9112 2.2", "a request behind a bare LF in a value",
            get("X: y\n\nGET /smuggled HTTP/1.1\r\nHost: a\r\n")),
    refused("9112 2.2", "bare CR in the request line", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("9112 2.2", "bare CR in a value", get("X: a\rY: b\r\n")),
    refused("9112 2.2", "bare CR for a line's end", "GET / HTTP/1.1\rHost: a\r\r"),
    refused("9112 2.2", "CR CR LF", get("X: a\r\r\n")),
    refused("9112 2.2", "white space before the first field",
            "GET / HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n"),
    refused("9112 3", "two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("9112 3", "space at the end", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
    refused("9112 3", "space first", " GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("9112 3", "tabs", "GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("9112 3", "form feed", "GET\f/\fHTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("9112 3", "space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("9112 3", "HTTP/0.9", "GET /\r\n\r\n"),
    refused("9110 9.1", "no method", "/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("9110 9.1", "a method that is no token", "GE:T / HTTP/1.1\r\nHost: a\r\n\r\n"),
    taken("9110 9.1", "methods have case", "gEt / HTTP/1.1\r\nHost: a\r\n\r\n",
          {passed("gEt /", "a")}),
    refused("9112 2.3", "lower case version", "GET / http/1.1\r\nHost: a\r\n\r\n"),
    refused("9112 2.3", "two digits of version", "GET / HTTP/1.10\r\nHost: a\r\n\r\n"),
    refused("9112 2.3", "no digits of version", "GET / HTTP/1\r\nHost: a\r\n\r\n"),
    refused("9112 2.3", "another protocol", "GET / HTTQ/1.1\r\nHost: a\r\n\r\n"),
    taken("9110 6.2", "a later minor version", "GET / HTTP/1.7\r\nHost: a\r\n\r\n",
          {passed("GET /", "a")}),
    refused("9110 15.6.6", "major version 0", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505),
    refused("9110 15.6.6", "major version 3", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
    refused("9110 9.3.6", "CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 501),
    refused("9110 15.5.15", "a long target", with_target("/" + std::string(9000, 'x')), 414),
    taken("6585 5", "a head of 32 KiB behind an empty line", "\r\n" + head_of(32 << 10),
          {passed("GET /", "a", padding(32 << 10))}),
    refused("6585 5", "a head of 32 KiB and a byte", head_of((32 << 10) + 1), 431),
    refused("6585 5", "a large head", get("X: " + std::string(40'000, 'x') + "\r\n"), 431),
};

const StrictCase kTargets[] = {
    taken("9112 3.2.2", "absolute form rules over Host",
          "GET http://b:81/x?y HTTP/1.1\r\nHost: a\r\n\r\n", {passed("GET /x?y", "b:81")}),
    taken("9112 3.2.2", "absolute form with the scheme in upper case",
          "GET HTTP://b/x HTTP/1.1\r\nHost: b\r\n\r\n", {passed("GET /x", "b")}),
    taken("9112 3.2.2", "absolute form without a path",
          "GET http://b?q HTTP/1.1\r\nHost: b\r\n\r\n", {passed("GET /?q", "b")}),
    refused("9112 3.2", "absolute form without Host", "GET http://b/ HTTP/1.1\r\n\r\n"),
    refused("9112 3.2", "absolute form with a bad Host",
            "GET http://b/ HTTP/1.1\r\nHost: b/x\r\n\r\n"),
    refused("9112 3.2", "absolute form with two Hosts",
            "GET http://b/ HTTP/1.1\r\nHost: b\r\nHost: b\r\n\r\n"),
    refused("9110 4.2.4", "absolute form with user information", with_target("http://b@c/")),
    refused("9110 4.2.1", "absolute form without a host", with_target("http:///x")),
    refused("9110 4.2.1", "absolute form with a port alone", with_target("http://:80/x")),
    refused("9110 7.4", "absolute form with another scheme", with_target("ftp://b/")),
    refused("3986 3.2.2", "absolute form with a broken address", with_target("http://[::1/x")),
    refused("9112 3.2", "a relative target", with_target("x")),
    refused("9112 3.2", "a scheme without slashes", with_target("http:x")),
    refused("9112 3.2.3", "authority form without CONNECT", with_target("a:80")),
    // The gateway as a whole is there, and is no server's.
    {"9112 3.2.4",
     "asterisk form",
     "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" + probe(),
     {200, 200},
     {probe_passed()}},
    {"9112 3.2.4",
     "asterisk form by absolute form without a path",
     "OPTIONS http://b HTTP/1.1\r\nHost: b\r\n\r\n" + probe(),
     {200, 200},
     {probe_passed()}},
    taken("9112 3.2.4", "absolute form with a path is no asterisk form",
          "OPTIONS http://b/ HTTP/1.1\r\nHost: b\r\n\r\n", {passed("OPTIONS /", "b")}),
    refused("9112 3.2.4", "asterisk form without OPTIONS", with_target("*")),
    refused("9112 3.2.4", "asterisk form with a query", "OPTIONS *?x HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("3986 3.5", "a fragment", with_target("/#x")),
    refused("3986 2", "a byte beyond ASCII", with_target("/\xc3\xa4")),
    refused("3986 5.2.4", "a dot segment", with_target("/public/../private")),
    refused("3986 5.2.4", "a dot segment at the end", with_target("/public/..")),
    refused("3986 5.2.4", "a dot segment that says nothing", with_target("/public/./x")),
    refused("3986 5.2.4", "a dot segment before a query", with_target("/..?x")),
    refused("3986 6.2.2.2", "an encoded dot segment", with_target("/public/%2e%2E/private")),
    refused("3986 6.2.2.2", "a half encoded dot segment", with_target("/public/.%2e/private")),
    refused("3986 5.2.4", "a dot segment in absolute form", with_target("http://a/b/../c")),
    taken("3986 5.2.4", "dots that are no dot segment",
          with_target("/.well-known/..x/a..b/x../%2ex?/../"),
          {passed("GET /.well-known/..x/a..b/x../%2ex?/../", "a")}),
};

const StrictCase kHosts[] = {
    refused("9112 3.2", "no Host", with_host("")),
    taken("9112 3.2", "no Host in HTTP/1.0", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
          {passed("GET /", "")}),
    refused("9112 3.2", "two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"),
    refused("9112 3.2", "two equal Hosts", with_host("Host: a\r\nHost: a\r\n")),
    refused("9112 3.2", "two Hosts", with_host("Host: a\r\nX: y\r\nhost: b\r\n")),
    refused("9112 3.2", "two Hosts by a comma", with_host("Host: a, b\r\n")),
    refused("9112 3.2", "Host with a path", with_host("Host: a/b\r\n")),
    refused("9112 3.2", "Host with user information", with_host("Host: b@a\r\n")),
    refused("9112 3.2", "Host with a scheme", with_host("Host: http://a\r\n")),
    refused("9112 3.2", "Host with a space", with_host("Host: a b\r\n")),
    refused("9112 3.2", "Host with a backslash", with_host("Host: a\\b\r\n")),
    refused("9112 3.2", "Host with a question mark", with_host("Host: a?b\r\n")),
    refused("9112 3.2", "Host with a byte beyond ASCII", with_host("Host: \xc3\xa4\r\n")),
    refused("9110 4.2.1", "an empty Host", with_host("Host:\r\n")),
    refused("9110 4.2.1", "a port alone", with_host("Host: :80\r\n")),
    refused("3986 3.2.3", "a port that is none", with_host("Host: a:8x\r\n")),
    refused("3986 3.2.3", "a port with a sign", with_host("Host: a:+80\r\n")),
    refused("3986 3.2.3", "a port that is too large", with_host("Host: a:65536\r\n")),
    refused("3986 3.2.2", "two ports", with_host("Host: a:80:80\r\n")),
    refused("3986 3.2.2", "a broken address", with_host("Host: [::1\r\n")),
    refused("3986 3.2.2", "colons that are no address", with_host("Host: [:::::]\r\n")),
    refused("3986 3.2.2", "an address with more behind it", with_host("Host: [::1]x\r\n")),
    refused("3986 2.1", "a percent sign alone", with_host("Host: a%\r\n")),
    refused("3986 2.1", "a percent sign with no number", with_host("Host: a%zzb\r\n")),
    refused("3986 3.2.2", "a host longer than 255 bytes",
            with_host("Host: " + std::string(256, 'a') + "\r\n")),
    taken("3986 3.2.2", "an IPv6 address", with_host("Host: [::1]:80\r\n"),
          {passed("GET /", "[::1]:80")}),
};

const StrictCase kFields[] = {
    refused("9112 5.1", "space before the colon", get("X : a\r\n")),
    refused("9112 5.1", "tab before the colon of a length", get("Content-Length\t: 4\r\n") + "x"),
    refused("9112 5.1", "space before the colon of an encoding",
            get("Transfer-Encoding : chunked\r\n")),
    refused("9112 5.1", "a space in a name", get("X Y: a\r\n")),
    refused("9110 5.1", "no name", get(": a\r\n")),
    refused("9110 5.1", "no colon", get("X\r\n")),
    refused("9110 5.1", "a name that is no token", get("X(Y): a\r\n")),
    refused("9110 5.1", "a name beyond ASCII", get("X\xc3\xa4: a\r\n")),
    refused("9112 5.2", "a folded line", get("X: a\r\n b\r\n")),
    refused("9112 5.2", "a line folded by a tab", get("X: a\r\n\tb\r\n")),
    refused("9112 5.2", "a folded length", get("Content-Length:\r\n 4\r\n") + "x"),
    refused("9112 5.2", "a folded encoding", get("Transfer-Encoding:\r\n chunked\r\n")),
    taken("9112 5.1", "white space around a value", get("X:  \ta b \t\r\n"),
          {passed("GET /", "a", "X: a b\r\n")}),
    taken("9110 5.5", "bytes beyond ASCII in a value", get("X: \xe4\xff\r\n"),
          {passed("GET /", "a", "X: \xe4\xff\r\n")}),
    taken("9110 7.6.1", "fields of the connection stay",
          get("Connection: keep-alive, X-Own\r\nKeep-Alive: 5\r\nX-Own: 1\r\nTE: trailers\r\n"
              "Proxy-Connection: x\r\nProxy-Authorization: x\r\nX-Kept: 2\r\n"),
          {passed("GET /", "a", "X-Kept: 2\r\n")}),
    taken("9110 7.6.1", "two Connection fields",
          get("Connection: X-One\r\nConnection: X-Two\r\nX-One: 1\r\nX-Two: 2\r\n"),
          {passed("GET /", "a")}),
    taken("7239 8.1", "what a client says about itself",
          get("Forwarded: for=b\r\nX-Forwarded-For: b\r\nx-forwarded-proto: https\r\n"
              "X-FORWARDED-HOST: b\r\nConnection: X-Forwarded-For\r\n"),
          {passed("GET /", "a")}),
    taken("9112 9.3", "two requests", get("") + get("X: 1\r\n"),
          {passed("GET /", "a"), passed("GET /", "a", "X: 1\r\n")}),
    refused("9110 10.1.1", "an unknown expectation", get("Expect: 200-ok\r\n"), 417),
    refused("9110 10.1.1", "two expectations", get("Expect: 100-continue, x\r\n"), 417),
    taken("9110 10.1.1", "an expectation without a body", get("Expect: 100-continue\r\n"),
          {passed("GET /", "a")}),
};

using StrictHeadTest = StrictTest;

TEST_F(StrictHeadTest, Lines) { expect(kLines); }
TEST_F(StrictHeadTest, Targets) { expect(kTargets); }
TEST_F(StrictHeadTest, Hosts) { expect(kHosts); }
TEST_F(StrictHeadTest, Fields) { expect(kFields); }

}  // namespace
}  // namespace duet::gateway
