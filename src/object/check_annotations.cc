#include <vector>

#include "object/annotations.h"
#include "object/check_kinds.h"
#include "object/format.h"

namespace duet::object {
namespace {

void warn_unknown(const Place& place, Mark mark, std::string_view name) {
  std::vector<std::string_view> names;
  for (const Annotation& annotation : all_annotations()) {
    names.push_back(annotation.name);
  }
  const std::string_view meant = nearest_word(name, names);
  place.findings().warning(mark, place.path(),
                           meant.empty()
                               ? "unknown annotation of duet, without effect"
                               : "unknown annotation of duet, without effect; did you "
                                 "mean \"" +
                                     std::string(kAnnotationPrefix) + std::string(meant) + "\"?");
}

void check_value(const Place& place, const Annotation& annotation) {
  if (annotation.type == AnnotationType::kText) {
    return;
  }
  if (annotation.type == AnnotationType::kOutbound) {
    if (const auto targets = parse_outbound(place.text()); !targets.ok()) {
      place.error(targets.error().message());
    }
    return;
  }
  if (annotation.type == AnnotationType::kHandler) {
    if (place.text() != kWagi) {
      place.error(quote(place.text()) + " must be " + quote(kWagi));
    }
    return;
  }
  if (const auto value = parse_annotation(annotation, place.text()); !value.ok()) {
    place.error(quote(place.text()) + " " + value.error().message());
  }
}

}  // namespace

void check_handler(const Place& annotations, const Place& spec) {
  const Place handler = annotations[kHandlerAnnotation];
  const Place containers = spec["containers"];
  if (!handler.present() || containers.size() < 2) {
    return;
  }
  bool has_port = false;
  containers.each([&has_port](const Place& one) { has_port |= one["ports"].size() > 0; });
  if (!has_port) {
    handler.error(
        "none of the pod's containers declares a port, so none of them would be a handler; give "
        "the one that is a containerPort");
  }
}

void check_duet_annotations(const Place& annotations, bool of_pod) {
  if (!annotations.present()) {
    return;
  }
  for (const MarkedNode::Member& member : annotations.node()->members) {
    if (!member.key.starts_with(kAnnotationPrefix)) {
      continue;
    }
    const Place place = annotations[member.key];
    const Annotation* known = find_annotation(member.key.substr(kAnnotationPrefix.size()));
    if (known == nullptr) {
      warn_unknown(place, member.mark, member.key.substr(kAnnotationPrefix.size()));
    } else if (known->on == AnnotatedKind::kPod && !of_pod) {
      place.findings().warning(member.mark, place.path(),
                               "without effect here: it belongs to a pod, or a pod template");
    } else {
      check_value(place, *known);
    }
  }
}

}  // namespace duet::object
