#include "pod/references.h"

#include <gtest/gtest.h>

namespace duet::pod {
namespace {

using object::Kind;

TEST(References, AreWhatVariablesAndVolumesNameAndNothingElse) {
  object::Pod pod;
  pod.meta.ns = "shop";
  object::Container init;
  init.env_from = {{.config_map = "all"}, {.secret = "all-keys"}};
  pod.spec.init_containers = {init};
  object::Container main;
  main.env = {{.name = "PLAIN", .value = "settings"},
              {.name = "A", .config_map_key = object::KeyReference{.name = "settings", .key = "a"}},
              {.name = "B", .secret_key = object::KeyReference{.name = "keys", .key = "b"}}};
  pod.spec.containers = {main};
  using Type = object::ProjectionSource::Type;
  pod.spec.volumes = {{.name = "files",
                       .sources = {{.type = Type::kConfigMap, .name = "files"},
                                   {.type = Type::kSecret, .name = "token"},
                                   {.type = Type::kDownwardApi}}},
                      {.name = "scratch"}};
  const std::set<object::ObjectKey> expected = {
      {Kind::kConfigMap, "shop", "all"},      {Kind::kSecret, "shop", "all-keys"},
      {Kind::kConfigMap, "shop", "settings"}, {Kind::kSecret, "shop", "keys"},
      {Kind::kConfigMap, "shop", "files"},    {Kind::kSecret, "shop", "token"}};
  EXPECT_EQ(references_of(pod), expected);
  EXPECT_TRUE(references_of({}).empty());
}

}  // namespace
}  // namespace duet::pod
