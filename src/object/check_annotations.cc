#include <vector>

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

std::string owners(AnnotatedKind kind) {
  return kind == AnnotatedKind::kPod       ? "a pod, or a pod template"
         : kind == AnnotatedKind::kService ? "a Service"
                                           : "an HTTPRoute, or an Ingress";
}

std::optional<std::string> problem_of(const Annotation& annotation, const std::string& text) {
  const auto said = [](const auto& result) {
    return result.ok() ? std::nullopt : std::optional(result.error().message());
  };
  const auto quoted = [&](const auto& result) {
    return result.ok() ? std::nullopt : std::optional(quote(text) + " " + result.error().message());
  };
  switch (annotation.type) {
    case AnnotationType::kText:
      return std::nullopt;
    case AnnotationType::kOutbound:
      return said(parse_outbound(text));
    case AnnotationType::kHandler:
      return text == kWagi ? std::nullopt : std::optional(quote(text) + " must be " + quote(kWagi));
    case AnnotationType::kPassing:
      return text == kPass ? std::nullopt : std::optional(quote(text) + " must be " + quote(kPass));
    case AnnotationType::kRate:
      return quoted(parse_rate(text));
    case AnnotationType::kFolder:
      return quoted(parse_static_folder(text));
    case AnnotationType::kName:
      return format_problem(Format::kDnsSubdomain, text);
    case AnnotationType::kCoding:
      return text == "gzip" || text == "off" ? std::nullopt
                                             : std::optional(quote(text) + " must be gzip or off");
    default:
      return quoted(parse_annotation(annotation, text));
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

void check_duet_annotations(const Place& annotations, AnnotatedKind on) {
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
    } else if (known->on != AnnotatedKind::kAny && known->on != on) {
      place.findings().warning(member.mark, place.path(),
                               "without effect here: it belongs to " + owners(known->on));
    } else {
      if (const auto problem = problem_of(*known, std::string(place.text()))) {
        place.error(*problem);
      }
    }
  }
}

}  // namespace duet::object
