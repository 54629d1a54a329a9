#include "net/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace duet::net {
namespace {

constexpr int kV4Prefix = 96;  // of ::ffff:0:0

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

constexpr std::string_view kSpecial4[] = {
    "0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4"};
constexpr std::string_view kSpecial6[] = {
    "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20",
    "5f00::/16",      "fc00::/7", "fe80::/10", "fec0::/10",     "ff00::/8"};
// Ranges whose addresses hold an IPv4 address, and at which byte.
struct Embedding {
  std::string_view range;
  std::size_t offset;
};
constexpr Embedding kEmbeddings[] = {{"::/96", 12}, {"64:ff9b::/96", 12}, {"2002::/16", 2}};

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) {  // where inet_pton would stop reading
    return std::nullopt;
  }
  const std::string terminated(text);
  IpAddress address;
  if (inet_pton(AF_INET6, terminated.c_str(), address.bytes_.data()) == 1) {
    return address;
  }
  std::copy(kMapped.begin(), kMapped.end(), address.bytes_.begin());
  if (inet_pton(AF_INET, terminated.c_str(), address.bytes_.data() + kMapped.size()) == 1) {
    return address;
  }
  return std::nullopt;
}

std::optional<IpAddress> IpAddress::from_bytes(std::string_view bytes) {
  IpAddress address;
  if (bytes.size() == address.bytes_.size()) {
    std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  } else if (bytes.size() == address.bytes_.size() - kMapped.size()) {
    std::copy(kMapped.begin(), kMapped.end(), address.bytes_.begin());
    std::copy(bytes.begin(), bytes.end(), address.bytes_.begin() + kMapped.size());
  } else {
    return std::nullopt;
  }
  return address;
}

std::string IpAddress::text() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (is_v4()) {
    inet_ntop(AF_INET, bytes_.data() + kMapped.size(), text, sizeof(text));
  } else {
    inet_ntop(AF_INET6, bytes_.data(), text, sizeof(text));
  }
  return text;
}

bool IpAddress::is_v4() const { return std::equal(kMapped.begin(), kMapped.end(), bytes_.begin()); }

bool IpAddress::within(std::string_view range) const {
  const auto parsed = IpRange::parse(range);
  return parsed && parsed->contains(*this);
}

IpAddress IpAddress::embedded_v4(std::size_t offset) const {
  IpAddress address;
  std::copy(kMapped.begin(), kMapped.end(), address.bytes_.begin());
  std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), 4,
              address.bytes_.begin() + kMapped.size());
  return address;
}

bool IpAddress::is_special() const {
  const auto in = [this](std::string_view range) { return within(range); };
  if (is_v4()) {
    return std::any_of(std::begin(kSpecial4), std::end(kSpecial4), in);
  }
  return std::any_of(std::begin(kSpecial6), std::end(kSpecial6), in) ||
         std::any_of(std::begin(kEmbeddings), std::end(kEmbeddings), [this](const Embedding& one) {
           return within(one.range) && embedded_v4(one.offset).is_special();
         });
}

std::optional<IpRange> IpRange::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto first = IpAddress::parse(text.substr(0, slash));
  if (!first) {
    return std::nullopt;
  }
  IpRange range;
  range.first_ = *first;
  if (slash == std::string_view::npos) {
    return range;
  }
  // An IPv4 range is written with a point; ::ffff:10.0.0.0/104 counts its bits as IPv6 does.
  const bool v4 = text.find(':') == std::string_view::npos;
  const std::string_view digits = text.substr(slash + 1);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), range.bits_);
  const int most = v4 ? 128 - kV4Prefix : 128;
  if (error != std::errc{} || end != digits.data() + digits.size() || range.bits_ < 0 ||
      range.bits_ > most) {
    return std::nullopt;
  }
  range.bits_ += v4 ? kV4Prefix : 0;
  return range;
}

bool IpRange::contains(const IpAddress& address) const {
  const auto whole = static_cast<std::size_t>(bits_ / 8);
  if (!std::equal(first_.bytes_.begin(), first_.bytes_.begin() + static_cast<std::ptrdiff_t>(whole),
                  address.bytes_.begin())) {
    return false;
  }
  const int rest = bits_ % 8;
  return rest == 0 || ((first_.bytes_[whole] ^ address.bytes_[whole]) >> (8 - rest)) == 0;
}

}  // namespace duet::net
