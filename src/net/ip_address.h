#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace duet::net {

// An IP address as 16 bytes: IPv4 as in RFC 4291, 2.5.5.2 (::ffff:a.b.c.d).
class IpAddress {
 public:
  // From text without brackets and zone; nothing if it is no address. Pure.
  static std::optional<IpAddress> parse(std::string_view text);

  // From the 4 or 16 bytes of an address in network order; nothing for another number. Pure.
  static std::optional<IpAddress> from_bytes(std::string_view bytes);

  // As it is written: 192.0.2.1, 2001:db8::1.
  std::string text() const;
  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }

  bool is_v4() const;
  // Whether it can only be meant for this host, its networks, or nobody: loopback, private,
  // link-local, shared (RFC 6598), multicast, documentation, reserved (RFC 6890 and the IANA
  // registries of special-purpose addresses), and IPv6 addresses that embed such an IPv4 one
  // (mapped, compatible, NAT64, 6to4, Teredo).
  bool is_special() const;

  bool operator==(const IpAddress&) const = default;

 private:
  friend class IpRange;
  bool within(std::string_view range) const;
  IpAddress embedded_v4(std::size_t offset) const;
  std::array<std::uint8_t, 16> bytes_{};
};

// The addresses that share a prefix.
class IpRange {
 public:
  // "10.0.0.0/8", "fd00::/8", or one address; nothing if it is neither. Pure.
  static std::optional<IpRange> parse(std::string_view text);
  bool contains(const IpAddress& address) const;

 private:
  IpAddress first_;
  int bits_ = 128;  // of 128, also for IPv4
};

}  // namespace duet::net
