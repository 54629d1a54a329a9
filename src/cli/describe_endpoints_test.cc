#include "cli/describe_endpoints.h"

#include <gtest/gtest.h>

namespace duet::cli {
namespace {

Json pod(const std::string& name, const std::string& ip, bool ready) {
  return {{"metadata", {{"name", name}}},
          {"spec", {{"containers", {{{"ports", {{{"name", "web"}, {"containerPort", 8080}}}}}}}}},
          {"status",
           {{"podIP", ip},
            {"conditions", {{{"type", "Ready"}, {"status", ready ? "True" : "False"}}}}}}};
}

Json service(const Json& ports) {
  return {{"spec", {{"selector", {{"app", "shop"}, {"tier", "web"}}}, {"ports", ports}}}};
}

TEST(DescribeEndpoints, NamesTheReadyPodsOfEachPort) {
  const Json shop = service({{{"port", 80}, {"targetPort", "web"}}, {{"port", 6379}}});
  EXPECT_EQ(selector_of(shop), "app=shop,tier=web");
  const Json pods = {pod("a", "10.0.0.2", true), pod("b", "10.0.0.3", false),
                     pod("c", "fd00::4", true), pod("d", "", true)};
  EXPECT_EQ(describe_endpoints(shop, pods, Json::array()),
            "Endpoints 80:     10.0.0.2:8080,[fd00::4]:8080,d (gateway)\n"
            "Endpoints 6379:   10.0.0.2:6379,[fd00::4]:6379,d (gateway)\n");
}

TEST(DescribeEndpoints, NobodyIsSaidToo) {
  const Json shop = service({{{"port", 80}, {"targetPort", "nothing"}}});
  EXPECT_EQ(describe_endpoints(shop, Json::array(), Json::array()), "Endpoints 80:     <none>\n");
  EXPECT_EQ(describe_endpoints(shop, {pod("a", "10.0.0.2", true)}, Json::array()),
            "Endpoints 80:     <none>\n");
  Json leaving = pod("a", "10.0.0.2", true);
  leaving["metadata"]["deletionTimestamp"] = "2024-01-01T00:00:00Z";
  EXPECT_EQ(describe_endpoints(service({{{"port", 80}}}), Json::array({leaving}), Json::array()),
            "Endpoints 80:     <none>\n");
}

TEST(DescribeEndpoints, OthersComeFromSlices) {
  Json shop = service({{{"name", "web"}, {"port", 80}, {"targetPort", "web"}}});
  shop["metadata"]["name"] = "shop";
  EXPECT_EQ(slices_of(shop), "kubernetes.io/service-name=shop");
  Json handler = pod("h", "", true);
  handler["metadata"]["uid"] = "u-h";
  const Json slice = Json::parse(R"({"ports":[{"name":"web","port":8080}],"endpoints":[
      {"addresses":["10.0.0.2"]},
      {"addresses":["10.0.0.3"],"targetRef":{"uid":"u-h"}},
      {"addresses":["10.0.0.4"],"conditions":{"ready":false}},
      {"addresses":["10.0.0.5"],"conditions":{"ready":true}}]})");
  EXPECT_EQ(describe_endpoints(shop, {pod("a", "10.0.0.2", true), handler}, Json::array({slice})),
            "Endpoints 80:     10.0.0.2:8080,h (gateway),10.0.0.5:8080\n");
}

TEST(DescribeEndpoints, ALongListIsCut) {
  Json pods = Json::array();
  for (int i = 1; i <= 20; ++i) {
    pods.push_back(pod("p", "10.0.0." + std::to_string(i), true));
  }
  const std::string text = describe_endpoints(service({{{"port", 80}}}), pods, Json::array());
  EXPECT_NE(text.find("10.0.0.16:80 + 4 more..."), std::string::npos);
  EXPECT_EQ(text.find("10.0.0.17"), std::string::npos);
}

}  // namespace
}  // namespace duet::cli
