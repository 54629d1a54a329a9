#include "cli/columns.h"

#include <gtest/gtest.h>

#include "cli/describe_text.h"
#include "cli/pod_summary.h"
#include "object/kind.h"
#include "sys/rfc3339.h"

namespace duet::cli {
namespace {

const auto kNow = *sys::parse_rfc3339("2026-01-31T12:05:00Z");

Json pod_with(const char* status) {
  Json pod = {{"metadata", {{"name", "web"}, {"creationTimestamp", "2026-01-31T12:00:00Z"}}},
              {"spec", {{"containers", {{{"name", "a"}}, {{"name", "b"}}}}}}};
  pod["status"] = Json::parse(status);
  return pod;
}

TEST(PodSummary, OfRunningContainers) {
  const auto summary = summarize_pod(pod_with(R"({"phase":"Running","containerStatuses":[
        {"ready":true,"restartCount":2,"state":{"running":{}},
         "lastState":{"terminated":{"finishedAt":"2026-01-31T12:04:00Z"}}},
        {"ready":false,"restartCount":0,"state":{"running":{}}}]})"),
                                     kNow);
  EXPECT_EQ(summary.ready, "1/2");
  EXPECT_EQ(summary.status, "Running");
  EXPECT_EQ(summary.restarts, "2 (60s ago)");
}

struct Case {
  const char* status;
  const char* shown;
};

class PodStatusWord : public testing::TestWithParam<Case> {};

TEST_P(PodStatusWord, IsKubectls) {
  EXPECT_EQ(summarize_pod(pod_with(GetParam().status), kNow).status, GetParam().shown);
}

INSTANTIATE_TEST_SUITE_P(
    All, PodStatusWord,
    testing::Values(
        Case{R"({})", "Pending"}, Case{R"({"phase":"Pending"})", "Pending"},
        Case{R"({"phase":"Failed","reason":"Evicted"})", "Evicted"},
        Case{
            R"({"phase":"Pending","containerStatuses":[{"state":{"waiting":{"reason":"ImagePullBackOff"}}}]})",
            "ImagePullBackOff"},
        Case{
            R"({"phase":"Succeeded","containerStatuses":[{"state":{"terminated":{"reason":"Completed"}}}]})",
            "Completed"},
        Case{R"({"phase":"Failed","containerStatuses":[{"state":{"terminated":{"exitCode":3}}}]})",
             "ExitCode:3"},
        Case{R"({"phase":"Failed","containerStatuses":[{"state":{"terminated":{"signal":9}}}]})",
             "Signal:9"},
        Case{
            R"({"phase":"Running","conditions":[{"type":"Ready","status":"True"}],"containerStatuses":[
               {"state":{"terminated":{"reason":"Completed"}}},{"ready":true,"state":{"running":{}}}]})",
            "Running"},
        Case{
            R"({"phase":"Pending","initContainerStatuses":[{"state":{"terminated":{"exitCode":1}}}]})",
            "Init:ExitCode:1"},
        Case{
            R"({"phase":"Pending","initContainerStatuses":[{"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]})",
            "Init:CrashLoopBackOff"},
        Case{R"({"phase":"Pending","initContainerStatuses":[{"state":{"running":{}}}]})",
             "Init:0/0"},
        Case{R"({"phase":[],"containerStatuses":"x","initContainerStatuses":7})", "Pending"}));

TEST(PodSummary, OfADeletedPod) {
  Json pod = pod_with(R"({"phase":"Running"})");
  pod["metadata"]["deletionTimestamp"] = "2026-01-31T12:04:00Z";
  EXPECT_EQ(summarize_pod(pod, kNow).status, "Terminating");
}

TEST(Columns, EveryKindHasThemAndNothingCrashesThem) {
  for (const auto& info : object::all_kinds()) {
    const TableStyle style{
        .wide = true, .with_namespace = true, .with_kind = true, .show_labels = true};
    const Row header = header_row(info.kind, style);
    EXPECT_EQ(header.front(), "NAMESPACE");
    for (const char* text : {"{}", "[]", "null", R"({"metadata":[],"spec":7,"status":"x"})",
                             R"({"spec":{"ports":{"a":1},"rules":"x"},"data":[1]})"}) {
      const Json object = Json::parse(text);
      EXPECT_EQ(object_row(info.kind, object, style, kNow).size(), header.size());
      describe_object(info.kind, object, kNow);
    }
  }
}

TEST(Columns, OfAService) {
  const Json service = Json::parse(
      R"({"metadata":{"name":"front","creationTimestamp":"2026-01-31T12:00:00Z"},
          "spec":{"ports":[{"port":80},{"port":53,"protocol":"UDP","nodePort":30053}],"selector":{"app":"a"}}})");
  EXPECT_EQ(object_row(object::Kind::kService, service, {.wide = true, .with_kind = true}, kNow),
            (Row{"service/front", "ClusterIP", "<none>", "<none>", "80/TCP,53:30053/UDP", "5m",
                 "app=a"}));
}

TEST(Describe, NeverShowsSecrets) {
  const Json secret = Json::parse(
      R"({"metadata":{"name":"s"},"type":"Opaque","data":{"password":"aHVudGVyMg=="}})");
  const std::string text = describe_object(object::Kind::kSecret, secret, kNow);
  EXPECT_EQ(text.find("aHVudGVyMg"), std::string::npos);
  EXPECT_NE(text.find("7 bytes"), std::string::npos) << text;
}

}  // namespace
}  // namespace duet::cli
