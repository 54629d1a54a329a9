#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "object/object.h"

// The annotations by which manifests say what Kubernetes has no field for. Validation, the
// gateway's configuration and the table in docs/budgets.md come from here: an annotation under
// duet.edge/ is in this table or unknown.
namespace duet::object {

inline constexpr std::string_view kAnnotationPrefix = "duet.edge/";

// On a pod: its containers whose images are programs of core modules answer requests by WAGI, if
// they declare a port or are the pod's only container.
inline constexpr const char* kHandlerAnnotation = "duet.edge/handler";
inline constexpr std::string_view kWagi = "wagi";

// On a pod: its WAGI handlers see the request's Authorization.
inline constexpr std::string_view kAuthorizationAnnotation = "wagi-authorization";
inline constexpr std::string_view kPass = "pass";

enum class AnnotationType {
  kDuration,  // 50ms, 10s, 1m30s; in ms
  kCount,     // a whole number
  kBytes,     // a quantity: 64Ki, 16Mi
  kOutbound,  // parse_outbound()
  kHandler,   // kWagi
  kPassing,   // kPass
  kRate,      // parse_rate()
  kFolder,    // parse_static_folder()
  kName,      // of an object
  kCoding,    // gzip or off
  kText,      // anything
};

// Where an annotation has a meaning.
enum class AnnotatedKind {
  kPod,    // and the template of pods
  kRoute,  // HTTPRoute and Ingress
  kService,
  kOther,  // the rest
  kAny,
};

struct Annotation {
  std::string_view name;  // without the prefix
  AnnotationType type = AnnotationType::kText;
  AnnotatedKind on = AnnotatedKind::kAny;
  int64_t standard = 0;  // what holds without the annotation, in ms, pieces or bytes
  int64_t least = 0;
  int64_t most = 0;
  std::string_view meaning;  // what is bounded
  std::string_view past;     // what happens past it
};

std::span<const Annotation> all_annotations();
// By its name without the prefix; nullptr: there is none.
const Annotation* find_annotation(std::string_view name);

// The number that `text` stands for, or in words what is wrong with it: "must be a duration such as
// 50ms or 10s", "must be at most 1m". For durations, counts and bytes. Pure.
Result<int64_t> parse_annotation(const Annotation& annotation, std::string_view text);

// A number of an annotation's type as a manifest would write it: 10s, 64Ki, 256.
std::string annotation_text(AnnotationType type, int64_t value);

// The numbers that kinds take as rows of a Markdown table, of which docs/budgets.md has one for
// pods and one for routes.
std::string budget_rows(AnnotatedKind on);

// So many things in so much time.
struct Rate {
  int64_t count = 0;
  int64_t period_ms = 1'000;
  bool operator==(const Rate&) const = default;
};

// "10/s", "600/m" or "5/h", from 1 to 1000000 of them. Pure.
Result<Rate> parse_rate(std::string_view text);

// Files below one of the folders that the node's configuration names.
struct StaticFolder {
  std::string root;  // a key of gateway.staticRoots
  std::string path;  // below it; empty: the folder itself
  bool operator==(const StaticFolder&) const = default;
};

// "NAME" or "NAME/folder/below", without "." and "..". Pure.
Result<StaticFolder> parse_static_folder(std::string_view text);

// Where a handler may connect: one of duet.edge/allow-outbound's items.
struct OutboundTarget {
  std::string scheme;  // http or https
  std::string host;    // a name, "*.suffix", "*", an address, or a range of addresses (10.0.0.0/8);
                       // lower case, without brackets
  int port = 0;        // 0: the scheme's own
  bool operator==(const OutboundTarget&) const = default;
};

inline constexpr size_t kOutboundTargetLimit = 64;

// "http://api:8080, https://*.example.com, http://10.1.0.0/16:8080, http://[fd00::/8]": items split
// by commas or white space, at most kOutboundTargetLimit. Errors name the item. Pure.
Result<std::vector<OutboundTarget>> parse_outbound(std::string_view text);

}  // namespace duet::object
