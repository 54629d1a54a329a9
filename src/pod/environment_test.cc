#include "pod/environment.h"

#include <gtest/gtest.h>

namespace duet::pod {
namespace {

ValueSource values() {
  return {.config_map = [](const std::string& name) -> Result<object::ConfigMap> {
            if (name != "settings") {
              return not_found("no such object");
            }
            object::ConfigMap map;
            map.data = {{"COLOUR", "blue"}, {"SIZE", "3"}};
            return map;
          },
          .secret = [](const std::string& name) -> Result<object::Secret> {
            if (name != "keys") {
              return not_found("no such object");
            }
            object::Secret secret;
            secret.data = {{"token", "s3cret"}};
            return secret;
          }};
}

object::Pod pod() {
  object::Pod pod;
  pod.meta.name = "web";
  pod.meta.ns = "shop";
  pod.meta.labels = {{"app", "till"}};
  pod.status.pod_ip = "10.88.0.7";
  return pod;
}

TEST(Environment, LaterEntriesReplaceEarlierOnes) {
  object::Container container;
  container.env_from = {{.prefix = "", .config_map = "settings"}};
  container.env = {{.name = "COLOUR", .value = "red"},
                   {.name = "TEXT", .value = "$(COLOUR)-$(SIZE)-$(NONE)-$$(X)"}};
  const auto environment = resolve_environment(pod(), container, values());
  ASSERT_TRUE(environment.ok());
  EXPECT_EQ(*environment,
            (Environment{{"COLOUR", "red"}, {"SIZE", "3"}, {"TEXT", "red-3-$(NONE)-$(X)"}}));
}

TEST(Environment, ServicesComeLastAndCanBeReferredTo) {
  object::Container container;
  container.env = {{.name = "WEB_SERVICE_PORT", .value = "8080"},
                   {.name = "URL", .value = "http://$(WEB_SERVICE_HOST):$(WEB_SERVICE_PORT)/"}};
  const auto environment = resolve_environment(
      pod(), container, values(), {{"WEB_SERVICE_HOST", "10.96.0.7"}, {"WEB_SERVICE_PORT", "80"}});
  ASSERT_TRUE(environment.ok());
  EXPECT_EQ(*environment, (Environment{{"WEB_SERVICE_PORT", "8080"},
                                       {"URL", "http://10.96.0.7:8080/"},
                                       {"WEB_SERVICE_HOST", "10.96.0.7"}}));
}

TEST(Environment, ReadsFieldsKeysAndPrefixes) {
  object::Container container;
  container.env_from = {{.prefix = "K_", .secret = "keys"}};
  container.env = {{.name = "NAME", .field_path = "metadata.name"},
                   {.name = "APP", .field_path = "metadata.labels['app']"},
                   {.name = "IP", .field_path = "status.podIP"},
                   {.name = "TOKEN", .secret_key = object::KeyReference{"keys", "token", false}},
                   {.name = "GONE", .secret_key = object::KeyReference{"keys", "gone", true}}};
  const auto environment = resolve_environment(pod(), container, values());
  ASSERT_TRUE(environment.ok());
  EXPECT_EQ(*environment, (Environment{{"K_token", "s3cret"},
                                       {"NAME", "web"},
                                       {"APP", "till"},
                                       {"IP", "10.88.0.7"},
                                       {"TOKEN", "s3cret"}}));
}

TEST(Environment, NamesWhatIsMissing) {
  object::Container container;
  container.env = {
      {.name = "A", .config_map_key = object::KeyReference{"settings", "SHAPE", false}}};
  EXPECT_EQ(resolve_environment(pod(), container, values()).error().message(),
            "env A: couldn't find key SHAPE in configmap \"settings\"");
  container.env = {{.name = "A", .secret_key = object::KeyReference{"nothing", "x", false}}};
  EXPECT_EQ(resolve_environment(pod(), container, values()).error().message(),
            "env A: secret \"nothing\": no such object");
  container.env = {{.name = "A", .field_path = "metadata.size"}};
  EXPECT_FALSE(resolve_environment(pod(), container, values()).ok());
  container.env.clear();
  container.env_from = {{.config_map = "nothing"}};
  EXPECT_FALSE(resolve_environment(pod(), container, values()).ok());
  container.env_from[0].optional = true;
  EXPECT_TRUE(resolve_environment(pod(), container, values()).ok());
}

}  // namespace
}  // namespace duet::pod
