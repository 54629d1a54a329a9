#include "api/resource_path.h"

#include <gtest/gtest.h>

namespace duet::api {
namespace {

using object::Kind;

TEST(ResourcePath, ReadsEveryForm) {
  const auto all = parse_resource_path("/api/v1/pods");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->kind, Kind::kPod);
  EXPECT_EQ(all->ns, "");

  const auto one = parse_resource_path("/apis/apps/v1/namespaces/shop/deployments/front");
  ASSERT_TRUE(one);
  EXPECT_EQ(one->key(), (object::ObjectKey{Kind::kDeployment, "shop", "front"}));

  const auto log = parse_resource_path("/api/v1/namespaces/default/pods/a%2Eb/log");
  ASSERT_TRUE(log);
  EXPECT_EQ(log->name, "a.b");
  EXPECT_EQ(log->subresource, "log");

  const auto space = parse_resource_path("/api/v1/namespaces/shop");
  ASSERT_TRUE(space);
  EXPECT_EQ(space->key(), (object::ObjectKey{Kind::kNamespace, "", "shop"}));
}

TEST(ResourcePath, WhatNamesNothingIsNothing) {
  for (const char* path :
       {"", "/", "api/v1/pods", "/api/v1", "/api/v1/", "/api/v1/pods/", "/api/v2/pods",
        "/api/v1/widgets", "/apis/apps/v1/pods", "/api/v1/pods/x", "/api/v1//pods",
        "/api/v1/namespaces/a/namespaces/b", "/api/v1/namespaces/a/pods/b/log/c",
        "/api/v1/namespaces/a/pods/%zz", "/apis/apps", "/api/v1/namespaces/a/pods/b/c/d/e/f/g/h"}) {
    EXPECT_FALSE(parse_resource_path(path)) << path;
  }
}

TEST(ResourcePath, WritesWhatItReads) {
  EXPECT_EQ(resource_path(Kind::kPod, "default", "web"), "/api/v1/namespaces/default/pods/web");
  EXPECT_EQ(resource_path(Kind::kHttpRoute, ""), "/apis/gateway.networking.k8s.io/v1/httproutes");
  EXPECT_EQ(resource_path(Kind::kNamespace, "ignored", "a"), "/api/v1/namespaces/a");
  EXPECT_EQ(qualified_resource(Kind::kDeployment), "deployments.apps");
  EXPECT_EQ(qualified_resource(Kind::kPod), "pods");
}

}  // namespace
}  // namespace duet::api
