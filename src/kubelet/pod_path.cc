#include "kubelet/pod_path.h"

#include <vector>

#include "api/query.h"

namespace duet::kubelet {
namespace {

constexpr std::size_t kSegmentLimit = 4;

std::optional<std::vector<std::string>> split(std::string_view rest) {
  std::vector<std::string> out;
  for (;;) {
    const std::size_t slash = rest.find('/');
    auto segment = api::percent_decode(rest.substr(0, slash), false);
    if (!segment.ok() || segment->empty() || out.size() == kSegmentLimit) {
      return std::nullopt;
    }
    out.push_back(std::move(*segment));
    if (slash == std::string_view::npos) {
      return out;
    }
    rest.remove_prefix(slash + 1);
  }
}

}  // namespace

std::optional<PodPath> parse_pod_path(std::string_view rest, PodPathForm form) {
  const auto segments = split(rest);
  if (!segments || segments->size() < 2) {
    return std::nullopt;
  }
  PodPath out{.pod = {object::Kind::kPod, (*segments)[0], (*segments)[1]}};
  const std::size_t more = segments->size() - 2;
  switch (form) {
    case PodPathForm::kContainer:
    case PodPathForm::kUidOrContainer:
      if (more == 0 || more > (form == PodPathForm::kContainer ? 1 : 2)) {
        return std::nullopt;
      }
      out.uid = more == 2 ? (*segments)[2] : "";
      out.container = segments->back();
      return out;
    case PodPathForm::kUid:
      if (more > 1) {
        return std::nullopt;
      }
      out.uid = more == 1 ? (*segments)[2] : "";
      return out;
  }
  return std::nullopt;
}

}  // namespace duet::kubelet
