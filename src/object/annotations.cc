#include "object/annotations.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/quantity.h"
#include "object/format.h"

namespace duet::object {
namespace {

using Type = AnnotationType;
using On = AnnotatedKind;

constexpr int64_t kSecond = 1'000;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kKi = 1 << 10;
constexpr int64_t kMi = 1 << 20;
constexpr int64_t kTi = int64_t{1} << 40;

constexpr std::array kAnnotations = {
    Annotation{"cpu-time", Type::kDuration, On::kPod, 50, 1, kMinute,
               "CPU time of one request, checked every tick of the kernel's clock (4 ms at 250 Hz) "
               "at the latest",
               "504 `CPULimit`"},
    Annotation{"first-byte-timeout", Type::kDuration, On::kPod, 10 * kSecond, 1, kHour,
               "wall time to the answer's head", "504 `Timeout`"},
    Annotation{"timeout", Type::kDuration, On::kPod, 30 * kSecond, 1, 24 * kHour,
               "wall time of the whole request", "the answer is cut, `WallLimit`"},
    Annotation{"max-table-elements", Type::kCount, On::kPod, 20'000, 1, 100'000,
               "elements of all tables together",
               "growth is refused; 502 `MemoryLimit` if the guest traps then"},
    Annotation{"max-instances", Type::kCount, On::kPod, 100, 1, 1'000, "core instances",
               "502 `Trap`"},
    Annotation{"max-handles", Type::kCount, On::kPod, 1'000, 16, 100'000,
               "host objects that the guest holds: headers, bodies, streams, pollables",
               "502 `Trap`"},
    Annotation{"max-header-bytes", Type::kBytes, On::kPod, 64 * kKi, kKi, kMi,
               "one set of headers that the guest makes", "502 `Trap`"},
    Annotation{"max-buffer-bytes", Type::kBytes, On::kPod, 64 * kKi, 4 * kKi, 16 * kMi,
               "one body that waits for the guest, and one piece that the guest writes",
               "the writer waits"},
    Annotation{"max-response-bytes", Type::kBytes, On::kPod, 256 * kMi, 1, kTi, "the answer's body",
               "the answer is cut, `ResponseLimit`"},
    Annotation{"max-log-bytes", Type::kBytes, On::kPod, 64 * kKi, 1, 64 * kMi,
               "stdout and stderr of one request together",
               "output is dropped, and the log says how much"},
    Annotation{"max-in-flight", Type::kCount, On::kPod, 256, 1, 100'000,
               "requests of the handler at a time, in each worker", "503 `Overloaded`"},
    Annotation{"max-outgoing", Type::kCount, On::kPod, 32, 1, 10'000,
               "outgoing requests of one request", "`connection-limit-reached` for the guest"},
    Annotation{"max-outgoing-concurrent", Type::kCount, On::kPod, 8, 1, 1'000,
               "outgoing requests at a time", "`connection-limit-reached` for the guest"},
    Annotation{"max-outgoing-bytes", Type::kBytes, On::kPod, 256 * kMi, 1, kTi,
               "bodies of all outgoing requests and their answers together",
               "`HTTP-request-body-size` or `HTTP-response-body-size` for the guest"},
    Annotation{"outgoing-timeout", Type::kDuration, On::kPod, 10 * kSecond, 1, kHour,
               "wall time of one outgoing request", "a timeout error for the guest"},
    Annotation{"allow-outbound", Type::kOutbound, On::kPod, 0, 0, 0,
               "where outgoing requests may go", "`HTTP-request-denied` for the guest"},
    Annotation{"handler", Type::kHandler, On::kPod, 0, 0, 0,
               "how a program of the pod answers requests", ""},
    Annotation{kAuthorizationAnnotation, Type::kPassing, On::kPod, 0, 0, 0,
               "whether WAGI handlers see the field Authorization", ""},
    Annotation{"max-request-bytes", Type::kBytes, On::kRoute, 256 * kMi, 0, kTi,
               "the body of one request; 0: no bound", "413 `RequestTooLarge`"},
    Annotation{"instance-reuse", Type::kCount, On::kRoute, 1, 1, 1'000'000,
               "requests that a sandbox of an asynchronous handler answers in its life",
               "a fresh sandbox"},
    Annotation{"instance-concurrency", Type::kCount, On::kRoute, 1, 1, 100,
               "those that it answers at the same time", "another sandbox"},
    Annotation{"rate-limit", Type::kRate, On::kRoute, 0, 0, 0,
               "requests of one client address: 10/s, 600/m, 5/h", "429 `RateLimited`"},
    Annotation{"rate-limit-burst", Type::kCount, On::kRoute, 0, 1, 1'000'000,
               "requests of one client address at once, after a silence", "429 `RateLimited`"},
    Annotation{"compression", Type::kCoding, On::kRoute, 0, 0, 0, "answers, with gzip, or off", ""},
    Annotation{"connect-timeout", Type::kDuration, On::kService, 2 * kSecond, 1, kMinute,
               "connecting to one of its containers",
               "the next container is asked; 504 `ConnectTimeout` if none is left"},
    Annotation{
        "idle-timeout", Type::kDuration, On::kService, kMinute, 1, 24 * kHour,
        "silence of a container that was asked: to its answer's head, and between two pieces "
        "of its body",
        "504 `UpstreamTimeout`, or the answer is cut"},
    Annotation{"max-retries", Type::kCount, On::kService, 2, 0, 10,
               "how often one request is sent again that a container may have seen",
               "the failure is the answer"},
    Annotation{"max-failures", Type::kCount, On::kService, 3, 0, 1'000,
               "failures of a container in a row; 0: they do not count",
               "the container is left out for a while"},
    Annotation{"static-files", Type::kFolder, On::kService, 0, 0, 0,
               "files of a folder of the node: NAME or NAME/folder", ""},
    Annotation{"static-configmap", Type::kName, On::kService, 0, 0, 0, "files of a ConfigMap", ""},
    // Written by duet itself.
    Annotation{"source", Type::kText, On::kAny, 0, 0, 0, "", ""},
    Annotation{"source-file", Type::kText, On::kAny, 0, 0, 0, "", ""},
    Annotation{"source-hash", Type::kText, On::kAny, 0, 0, 0, "", ""},
};

std::optional<int64_t> parse_number(Type type, std::string_view text) {
  if (type == Type::kDuration) {
    return duration_ms(text);
  }
  if (type == Type::kBytes) {
    const auto value = parse_quantity(text);
    return value.ok() ? std::optional(*value) : std::nullopt;
  }
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  return whole ? std::optional(value) : std::nullopt;
}

std::string_view expectation(Type type) {
  switch (type) {
    case Type::kDuration:
      return "must be a duration such as 50ms or 10s";
    case Type::kBytes:
      return "must be a quantity of bytes such as 64Ki or 16Mi";
    default:
      return "must be a whole number";
  }
}

}  // namespace

std::span<const Annotation> all_annotations() { return kAnnotations; }

const Annotation* find_annotation(std::string_view name) {
  const auto* found =
      std::find_if(kAnnotations.begin(), kAnnotations.end(),
                   [name](const Annotation& annotation) { return annotation.name == name; });
  return found == kAnnotations.end() ? nullptr : found;
}

Result<int64_t> parse_annotation(const Annotation& annotation, std::string_view text) {
  const auto value = parse_number(annotation.type, text);
  if (!value) {
    return invalid(std::string(expectation(annotation.type)));
  }
  if (*value < annotation.least) {
    return invalid("must be at least " + annotation_text(annotation.type, annotation.least));
  }
  if (*value > annotation.most) {
    return invalid("must be at most " + annotation_text(annotation.type, annotation.most));
  }
  return *value;
}

std::string annotation_text(AnnotationType type, int64_t value) {
  struct Unit {
    int64_t size;
    std::string_view name;
  };
  static constexpr std::array kTimes = {Unit{kHour, "h"}, Unit{kMinute, "m"}, Unit{kSecond, "s"},
                                        Unit{1, "ms"}};
  static constexpr std::array kSizes = {Unit{kTi, "Ti"}, Unit{kTi >> 10, "Gi"}, Unit{kMi, "Mi"},
                                        Unit{kKi, "Ki"}};
  const auto in = [value](const auto& units) -> std::string {
    for (const Unit& unit : units) {
      if (value >= unit.size && value % unit.size == 0) {
        return std::to_string(value / unit.size) + std::string(unit.name);
      }
    }
    return std::to_string(value);
  };
  return type == Type::kDuration ? in(kTimes)
         : type == Type::kBytes  ? in(kSizes)
                                 : in(std::array<Unit, 0>{});
}

Result<Rate> parse_rate(std::string_view text) {
  constexpr int64_t kMost = 1'000'000;
  Rate rate;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rate.count);
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  const bool known = unit == "/s" || unit == "/m" || unit == "/h";
  if (error != std::errc{} || !known || rate.count < 1 || rate.count > kMost) {
    return invalid("must be a rate such as 10/s, 600/m or 5/h, from 1 to 1000000");
  }
  rate.period_ms = unit == "/s" ? kSecond : unit == "/m" ? kMinute : kHour;
  return rate;
}

Result<StaticFolder> parse_static_folder(std::string_view text) {
  std::string_view rest = text;
  while (!rest.empty() && rest.back() == '/') {
    rest.remove_suffix(1);
  }
  for (std::string_view left = rest;;) {
    const size_t slash = left.find('/');
    const std::string_view segment = left.substr(0, slash);
    if (segment.empty() || segment == "." || segment == "..") {
      return invalid("must be the name of a folder of gateway.staticRoots, or NAME/folder/below");
    }
    if (slash == std::string_view::npos) {
      break;
    }
    left.remove_prefix(slash + 1);
  }
  const size_t slash = std::min(rest.find('/'), rest.size());
  return StaticFolder{std::string(rest.substr(0, slash)),
                      std::string(rest.substr(std::min(slash + 1, rest.size())))};
}

std::string budget_rows(AnnotatedKind on) {
  std::string out;
  for (const Annotation& one : kAnnotations) {
    if (one.on != on || one.most == 0) {
      continue;
    }
    out += "| `" + std::string(kAnnotationPrefix) + std::string(one.name) + "` | " +
           std::string(one.meaning) + " | " +
           (one.standard < one.least ? "as many as the rate"
                                     : annotation_text(one.type, one.standard)) +
           " | " + annotation_text(one.type, one.least) + " to " +
           annotation_text(one.type, one.most) + " | " + std::string(one.past) + " |\n";
  }
  return out;
}

}  // namespace duet::object
