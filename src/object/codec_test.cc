#include "object/codec.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace duet::object {
namespace {

using nlohmann::json;

Pod pod_of(const char* text) {
  auto pod = decode_pod(text);
  EXPECT_TRUE(pod.ok()) << pod.error().message();
  return pod.value_or({});
}

TEST(DecodePod, FillsTheDefaults) {
  const Pod pod = pod_of(R"({"metadata":{"name":"web","namespace":"shop"},
      "spec":{"containers":[{"name":"a","image":"nginx","livenessProbe":{"tcpSocket":{"port":80}},
      "readinessProbe":{"httpGet":{"port":"http"},"periodSeconds":0}}]}})");
  EXPECT_EQ(pod.meta.name, "web");
  EXPECT_EQ(pod.meta.ns, "shop");
  EXPECT_EQ(pod.spec.restart_policy, "Always");
  EXPECT_EQ(pod.spec.termination_grace_period_seconds, 30);
  const Container& container = pod.spec.containers.at(0);
  EXPECT_EQ(container.image_pull_policy, "Always");
  EXPECT_EQ(container.liveness_probe->handler.tcp_port, "80");
  EXPECT_EQ(container.liveness_probe->timeout_seconds, 1);
  EXPECT_EQ(container.readiness_probe->handler.http_get->path, "/");
  EXPECT_EQ(container.readiness_probe->handler.http_get->port, "http");
  EXPECT_EQ(container.readiness_probe->period_seconds, 10);
  EXPECT_EQ(pod.status.phase, "Pending");
}

TEST(DecodePod, PullPolicyFollowsTheTag) {
  const std::pair<const char*, const char*> cases[] = {
      {"nginx", "Always"},
      {"nginx:latest", "Always"},
      {"nginx:1.22", "IfNotPresent"},
      {"localhost:5000/nginx", "Always"},
      {"localhost:5000/nginx:v1", "IfNotPresent"},
      {"nginx@sha256:0000", "IfNotPresent"},
      {"nginx:latest@sha256:0000", "Always"},
  };
  for (const auto& [image, policy] : cases) {
    const json object = {{"spec", {{"containers", {{{"name", "a"}, {"image", image}}}}}}};
    EXPECT_EQ(pod_of(object.dump().c_str()).spec.containers.at(0).image_pull_policy, policy)
        << image;
  }
  EXPECT_EQ(pod_of(R"({"spec":{"containers":[{"image":"a","imagePullPolicy":"Never"}]}})")
                .spec.containers[0]
                .image_pull_policy,
            "Never");
}

TEST(DecodePod, ReadsWhatAContainerHas) {
  const Pod pod = pod_of(R"({"spec":{"containers":[{"name":"a","image":"i:1","command":["sh"],
      "args":["-c","true"],"workingDir":"/srv","tty":true,"stdin":true,
      "env":[{"name":"A","value":"1"},
             {"name":"B","valueFrom":{"configMapKeyRef":{"name":"cm","key":"k","optional":true}}},
             {"name":"C","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}},
             {"name":"D","valueFrom":{"fieldRef":{"fieldPath":"status.podIP"}}}],
      "envFrom":[{"prefix":"P_","secretRef":{"name":"s","optional":true}}],
      "ports":[{"name":"http","containerPort":80,"protocol":"UDP"}],
      "volumeMounts":[{"name":"v","mountPath":"/v","readOnly":true,"subPath":"x"}],
      "resources":{"limits":{"cpu":"500m","memory":"64Mi"},"requests":{"cpu":0.1}},
      "securityContext":{"runAsUser":0,"capabilities":{"add":["CAP_NET_ADMIN"],"drop":["ALL"]}},
      "lifecycle":{"preStop":{"exec":{"command":["stop"]}}}}]}})");
  const Container& container = pod.spec.containers.at(0);
  EXPECT_EQ(container.env[0].value, "1");
  EXPECT_TRUE(container.env[1].config_map_key->optional);
  EXPECT_EQ(container.env[2].secret_key->name, "s");
  EXPECT_EQ(container.env[3].field_path, "status.podIP");
  EXPECT_EQ(container.env_from[0].secret, "s");
  EXPECT_TRUE(container.env_from[0].optional);
  EXPECT_EQ(container.ports[0].protocol, "UDP");
  EXPECT_TRUE(container.volume_mounts[0].read_only);
  EXPECT_EQ(container.resources.cpu_limit_millis, 500);
  EXPECT_EQ(container.resources.cpu_request_millis, 100);
  EXPECT_EQ(container.resources.memory_request_bytes, 64 << 20);
  EXPECT_EQ(container.security.run_as_user, 0);
  EXPECT_EQ(container.security.add_capabilities[0], "NET_ADMIN");
  EXPECT_EQ(container.pre_stop->exec_command[0], "stop");
  EXPECT_TRUE(container.tty && container.stdin_open);
}

TEST(DecodePod, ReadsVolumes) {
  const Pod pod = pod_of(R"({"spec":{"containers":[],"volumes":[
      {"name":"plain"},
      {"name":"memory","emptyDir":{"medium":"Memory","sizeLimit":"1Gi"}},
      {"name":"host","hostPath":{"path":"/srv","type":"Directory"}},
      {"name":"config","configMap":{"name":"c","items":[{"key":"a","path":"b","mode":256}]}},
      {"name":"secret","secret":{"secretName":"s","defaultMode":288,"optional":true}},
      {"name":"down","downwardAPI":{"items":[{"path":"l","fieldRef":{"fieldPath":"metadata.labels"}}]}},
      {"name":"all","projected":{"defaultMode":256,"sources":[{"secret":{"name":"s"}},
         {"configMap":{"name":"c","items":[{"key":"a","path":"b"}]}}]}}]}})");
  const auto& volumes = pod.spec.volumes;
  EXPECT_EQ(volumes[0].type, Volume::Type::kEmptyDir);
  EXPECT_TRUE(volumes[1].memory_medium);
  EXPECT_EQ(volumes[1].size_limit_bytes, 1 << 30);
  EXPECT_EQ(volumes[2].host_path, "/srv");
  using Source = ProjectionSource::Type;
  EXPECT_EQ(volumes[3].sources[0].items[0].mode, 256);
  EXPECT_EQ(volumes[4].sources[0].type, Source::kSecret);
  EXPECT_EQ(volumes[4].sources[0].name, "s");
  EXPECT_EQ(volumes[4].default_mode, 288);
  EXPECT_TRUE(volumes[4].sources[0].optional);
  EXPECT_EQ(volumes[5].sources[0].type, Source::kDownwardApi);
  EXPECT_EQ(volumes[5].sources[0].items[0].key, "metadata.labels");
  EXPECT_EQ(volumes[6].default_mode, 256);
  EXPECT_EQ(volumes[6].sources[0].type, Source::kSecret);
  EXPECT_EQ(volumes[6].sources[1].items[0].path, "b");
}

TEST(DecodePod, NamesTheFieldItCannotRead) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "not JSON"},
      {"[]", "expected an object, found a list"},
      {"null", "expected an object, found null"},
      {R"({"metadata":3})", "metadata: expected an object, found an integer"},
      {R"({"metadata":{"resourceVersion":"x"}})",
       "metadata.resourceVersion: expected a number as a string"},
      {R"({"spec":{"containers":{}}})", "spec.containers: expected a list, found an object"},
      {R"({"spec":{"containers":[null]}})", "spec.containers[0]: expected an object, found null"},
      {R"({"spec":{"containers":[{"args":["a",3]}]}})",
       "spec.containers[0].args[1]: expected a string, found an integer"},
      {R"({"spec":{"containers":[{"args":["a",null]}]}})",
       "spec.containers[0].args[1]: expected a string, found null"},
      {R"({"spec":{"containers":[{"ports":[{"containerPort":99999999999}]}]}})",
       "spec.containers[0].ports[0].containerPort: the integer does not fit 32 bits"},
      {R"({"spec":{"terminationGracePeriodSeconds":18446744073709551615}})",
       "spec.terminationGracePeriodSeconds: the integer is too large"},
      {R"({"spec":{"volumes":[{"name":"v","nfs":{"server":"s"}}]}})",
       "spec.volumes[0]: no volume source that duet supports; use emptyDir, hostPath, configMap, "
       "secret, downwardAPI or projected"},
      {R"({"spec":{"containers":[{"resources":{"limits":{"memory":"64Mb"}}}]}})",
       "spec.containers[0].resources.limits.memory: \"64Mb\" is not a quantity; write a number "
       "with an optional suffix, for example 500m, 1.5, 64Mi, 2G"},
      {"{\"metadata\":{\"name\":\"\xff\"}}", "not JSON"},
  };
  for (const auto& [text, message] : cases) {
    auto pod = decode_pod(text);
    ASSERT_FALSE(pod.ok()) << text;
    EXPECT_EQ(pod.error().message(), message);
  }
}

TEST(DecodePod, DeepNestingIsRefused) {
  const std::string deep = std::string(1'000'000, '[');
  EXPECT_EQ(decode_pod(deep).error().message(), "JSON is nested deeper than 128 levels");
}

TEST(PodStatus, SurvivesEncodingAndDecoding) {
  PodStatus status;
  status.phase = "Running";
  status.reason = "r";
  status.message = "m";
  status.host_ip = "10.0.0.1";
  status.pod_ip = "10.88.0.2";
  status.start_time = "2026-01-01T00:00:00Z";
  status.conditions = {{"Ready", "False", "ContainersNotReady", "x", "2026-01-01T00:00:01Z"}};
  ContainerStatus container{.name = "a", .image = "i", .image_id = "sha256:1"};
  container.container_id = "duet://1";
  container.state = {.type = ContainerState::Type::kWaiting, .reason = "CrashLoopBackOff"};
  container.last_state = ContainerState{.type = ContainerState::Type::kTerminated,
                                        .reason = "Error",
                                        .message = "bye",
                                        .exit_code = 3,
                                        .signal = 9,
                                        .started_at = "2026-01-01T00:00:00Z",
                                        .finished_at = "2026-01-01T00:00:01Z",
                                        .container_id = "duet://0"};
  container.restart_count = 4;
  ContainerStatus running{.name = "b", .ready = true, .started = true};
  running.state = {.type = ContainerState::Type::kRunning, .started_at = "2026-01-01T00:00:00Z"};
  status.container_statuses = {container, running};
  status.init_container_statuses = {running};
  const Pod pod = pod_of(("{\"status\":" + encode_pod_status(status) + "}").c_str());
  EXPECT_EQ(pod.status, status);
}

TEST(PodStatus, BytesThatAreNoTextDoNotFail) {
  PodStatus status;
  status.message = "\xff\xfe";
  EXPECT_TRUE(json::accept(encode_pod_status(status)));
}

TEST(DecodeMeta, ReadsTheControllingOwner) {
  auto meta = decode_meta(json::parse(R"({"metadata":{"name":"web-1","uid":"u",
      "resourceVersion":"42","generation":3,"labels":{"a":"b"},"deletionGracePeriodSeconds":5,
      "ownerReferences":[{"kind":"X","name":"x","uid":"1"},
                         {"kind":"Deployment","name":"web","uid":"2","controller":true}]}})"));
  ASSERT_TRUE(meta.ok());
  EXPECT_EQ(meta->resource_version, 42);
  EXPECT_EQ(meta->owner_kind, "Deployment");
  EXPECT_EQ(meta->owner_uid, "2");
  EXPECT_EQ(meta->labels.at("a"), "b");
  EXPECT_FALSE(decode_meta(json::array()).ok());
}

TEST(DecodeDeployment, KeepsTheTemplateAsGiven) {
  auto deployment = decode_deployment(R"({"spec":{"replicas":3,"selector":{"matchLabels":{"a":"b"}},
      "strategy":{"rollingUpdate":{"maxSurge":1,"maxUnavailable":"50%"}},
      "template":{"metadata":{"labels":{"a":"b"}},
      "spec":{"containers":[{"name":"c","image":"i","unknown":1}]}}}})");
  ASSERT_TRUE(deployment.ok()) << deployment.error().message();
  EXPECT_EQ(deployment->replicas, 3);
  EXPECT_EQ(deployment->max_surge, "1");
  EXPECT_EQ(deployment->max_unavailable, "50%");
  EXPECT_EQ(deployment->progress_deadline_seconds, 600);
  EXPECT_EQ(deployment->pod_template.labels.at("a"), "b");
  EXPECT_EQ(deployment->pod_template.spec.containers.at(0).name, "c");
  EXPECT_EQ(json::parse(deployment->pod_template_json)["spec"]["containers"][0]["unknown"], 1);
}

TEST(DecodeService, TargetPortIsThePort) {
  auto service = decode_service(R"({"spec":{"selector":{"app":"web"},"ports":[
      {"port":80},{"port":81,"targetPort":"http","name":"b"},{"port":82,"targetPort":8080}]}})");
  ASSERT_TRUE(service.ok());
  EXPECT_EQ(service->type, "ClusterIP");
  EXPECT_EQ(service->ports[0].target_port, "80");
  EXPECT_EQ(service->ports[0].protocol, "TCP");
  EXPECT_EQ(service->ports[1].target_port, "http");
  EXPECT_EQ(service->ports[2].target_port, "8080");
}

TEST(DecodeService, SaysWhichNodesPodsItWants) {
  const auto plain = decode_service(R"({"spec":{"internalTrafficPolicy":"Cluster",
      "trafficDistribution":"PreferSameZone"}})");
  EXPECT_FALSE(plain->own_node_only);
  EXPECT_FALSE(plain->prefers_own_node);
  const auto near = decode_service(R"({"spec":{"internalTrafficPolicy":"Local",
      "trafficDistribution":"PreferSameNode"}})");
  EXPECT_TRUE(near->own_node_only);
  EXPECT_TRUE(near->prefers_own_node);
}

TEST(DecodeEndpointSlice, UnknownConditionsAreFulfilled) {
  const auto slice = decode_endpoint_slice(R"({"metadata":{"namespace":"shop",
      "labels":{"kubernetes.io/service-name":"web"}},"addressType":"IPv4",
      "endpoints":[{"addresses":["10.0.0.1","10.0.0.9"]},
        {"addresses":["10.0.0.2"],"conditions":{"ready":false},
         "targetRef":{"kind":"Pod","name":"a","uid":"u-1"}},
        {"addresses":["10.0.0.3"],"conditions":{"ready":false,"serving":true,"terminating":true},
         "targetRef":{"kind":"Node","uid":"u-2"}}, {}],
      "ports":[{"name":"http","port":8080},{"port":null,"protocol":"UDP"}]})");
  ASSERT_TRUE(slice.ok()) << slice.error().message();
  EXPECT_EQ(slice->service, "web");
  EXPECT_EQ(slice->address_type, "IPv4");
  ASSERT_EQ(slice->endpoints.size(), 4U);
  EXPECT_EQ(slice->endpoints[0].address, "10.0.0.1");
  EXPECT_TRUE(slice->endpoints[0].ready && slice->endpoints[0].serving);
  EXPECT_FALSE(slice->endpoints[0].terminating);
  EXPECT_FALSE(slice->endpoints[1].ready || slice->endpoints[1].serving);
  EXPECT_EQ(slice->endpoints[1].pod_uid, "u-1");
  EXPECT_TRUE(slice->endpoints[2].serving && slice->endpoints[2].terminating);
  EXPECT_EQ(slice->endpoints[2].pod_uid, "");
  EXPECT_EQ(slice->endpoints[3].address, "");
  EXPECT_EQ(slice->ports[0].name, "http");
  EXPECT_EQ(slice->ports[0].protocol, "TCP");
  EXPECT_EQ(slice->ports[1].port, 0);
  EXPECT_TRUE(decode_endpoint_slice(R"({"addressType":"IPv4","endpoints":null})").ok());
  EXPECT_FALSE(decode_endpoint_slice(R"({"endpoints":[{"addresses":"10.0.0.1"}]})").ok());
}

TEST(DecodeSecret, DecodesAndMerges) {
  auto secret = decode_secret(R"({"data":{"a":"eA==","b":"eQ=="},"stringData":{"b":"z"}})");
  ASSERT_TRUE(secret.ok());
  EXPECT_EQ(secret->type, "Opaque");
  EXPECT_EQ(secret->data, (StringMap{{"a", "x"}, {"b", "z"}}));
  EXPECT_EQ(decode_secret(R"({"data":{"a":"?"}})").error().message(),
            "data.a: not base64: unexpected character at byte 1");
  auto config = decode_config_map(R"({"data":{"t":"x"},"binaryData":{"b":"AAE="}})");
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->binary_data.at("b"), std::string("\0\1", 2));
}

TEST(DecodeIngress, ReadsRules) {
  auto ingress = decode_ingress(R"({"spec":{"ingressClassName":"duet",
      "defaultBackend":{"service":{"name":"d","port":{"number":80}}},
      "rules":[{"host":"*.example.com","http":{"paths":[
        {"pathType":"Prefix","path":"/a","backend":{"service":{"name":"s","port":{"name":"http"}}}}
      ]}}],
      "tls":[{"hosts":["*.example.com"],"secretName":"web"}]}})");
  ASSERT_TRUE(ingress.ok());
  EXPECT_EQ(ingress->tls[0].hosts[0], "*.example.com");
  EXPECT_EQ(ingress->tls[0].secret_name, "web");
  EXPECT_EQ(ingress->default_backend->port_number, 80);
  EXPECT_EQ(ingress->rules[0].paths[0].backend.port_name, "http");
}

TEST(DecodeHttpRoute, ReadsMatchesAndFilters) {
  auto route = decode_http_route(R"({"spec":{"parentRefs":[{"name":"edge"}],"hostnames":["a.b"],
      "rules":[{"matches":[{"path":{"type":"RegularExpression","value":"/x.*"},"method":"GET",
        "headers":[{"name":"h","value":"v","type":"RegularExpression"}],
        "queryParams":[{"name":"q","value":"1"}]}],
      "filters":[{"type":"RequestHeaderModifier","requestHeaderModifier":{
          "set":[{"name":"a","value":"b"}],"remove":["c"]}},
        {"type":"URLRewrite","urlRewrite":{"path":{"type":"ReplacePrefixMatch",
          "replacePrefixMatch":"/y"}}},
        {"type":"RequestRedirect","requestRedirect":{"statusCode":301,"path":{
          "type":"ReplaceFullPath","replaceFullPath":"/z"}}}],
      "backendRefs":[{"name":"s","port":80,"weight":0}],"timeouts":{"request":"10s"}},{}]}})");
  ASSERT_TRUE(route.ok()) << route.error().message();
  const HttpRouteRule& rule = route->rules[0];
  EXPECT_EQ(route->parents[0], "edge");
  EXPECT_EQ(rule.matches[0].path_type, "RegularExpression");
  EXPECT_TRUE(rule.matches[0].headers[0].regular_expression);
  EXPECT_FALSE(rule.matches[0].query[0].regular_expression);
  EXPECT_EQ(rule.filters[0].headers.remove[0], "c");
  EXPECT_TRUE(rule.filters[1].rewrite.path->replace_prefix);
  EXPECT_EQ(rule.filters[2].redirect.path->value, "/z");
  EXPECT_EQ(rule.filters[2].redirect.status_code, 301);
  EXPECT_EQ(rule.backends[0].weight, 0);
  EXPECT_EQ(rule.request_timeout, "10s");
  EXPECT_EQ(route->rules[1].matches.at(0).path, "/");
  EXPECT_EQ(
      decode_http_route(R"({"spec":{"rules":[{"filters":[{"type":"CORS"}]}]}})").error().code(),
      ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace duet::object
