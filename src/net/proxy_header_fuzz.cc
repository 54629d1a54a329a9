// Any bytes as a header of the PROXY protocol: what is incomplete goes on, what is invalid stays so
// whatever comes, what stands behind it is left alone, and whoever it names is named again when the
// header is written anew.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/require.h"
#include "net/proxy_protocol.h"

using namespace duet;       // NOLINT
using namespace duet::net;  // NOLINT

namespace {

using State = ProxyHeader::State;

std::string version_1(const IpAddress& source) {
  const std::string address = source.text();
  const bool v4 = address.find(':') == std::string::npos;
  return std::string("PROXY ") + (v4 ? "TCP4 " : "TCP6 ") + address + " " + address +
         " 1 65535\r\n";
}

std::string version_2(const IpAddress& source) {
  const std::string_view all(reinterpret_cast<const char*>(source.bytes().data()), 16);
  const bool v4 = source.is_v4();
  const std::string_view address = v4 ? all.substr(12) : all;
  std::string text("\r\n\r\n\0\r\nQUIT\n\x21", 13);
  text += v4 ? '\x11' : '\x21';
  text += '\0';
  text += static_cast<char>(2 * address.size() + 4);
  return text.append(address).append(address).append("\1\2\3\4");
}

void check_written(const IpAddress& source) {
  for (const std::string& text : {version_1(source), version_2(source)}) {
    const ProxyHeader header = parse_proxy_header(text + "GET");
    require(header.state == State::kDone && header.size_bytes == text.size());
    require(header.source == source);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLimitBytes = 2048;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (size > kLimitBytes) {
    return 0;
  }
  ProxyHeader last = parse_proxy_header(text.substr(0, 0));
  for (std::size_t i = 1; i <= text.size(); ++i) {
    const ProxyHeader header = parse_proxy_header(text.substr(0, i));
    require(last.state == State::kIncomplete || header.state == last.state);
    require(last.state != State::kDone ||
            (header.size_bytes == last.size_bytes && header.source == last.source));
    require(header.state != State::kDone || header.size_bytes <= i);
    require(header.state != State::kInvalid || !header.problem.empty());
    require(header.state != State::kIncomplete || i < kProxyV2Bytes);
    last = header;
  }
  if (last.state == State::kDone && last.source) {
    check_written(*last.source);
  }
  return 0;
}
