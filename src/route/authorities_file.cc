#include "route/authorities_file.h"

#include "net/trust_store.h"
#include "sys/file.h"

namespace duet::route {
namespace {

constexpr std::size_t kFileBytes = 1 << 20;

}  // namespace

Status AuthoritiesFile::read() {
  if (path_.empty()) {
    return {};
  }
  auto text = sys::read_file(path_, kFileBytes);
  Status good = text.ok() ? net::Authorities().add(*text) : Status(text.error());
  if (!good.ok()) {
    return good.error().wrap("certificate authorities of " + path_);
  }
  text_ = std::move(*text);
  return {};
}

}  // namespace duet::route
