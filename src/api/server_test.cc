#include "api/server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <random>
#include <thread>

#include "api/api_fixture.h"
#include "net/socket.h"
#include "sys/run_command.h"

namespace duet::api {
namespace {

using Json = nlohmann::json;

TEST(Server, CreatesReadsAndDeletes) {
  ApiFixture api;
  const auto created = api.send("POST", kPods, pod_json("web"));
  ASSERT_EQ(created.status, 201) << created.body;
  EXPECT_FALSE(created.json()["metadata"]["uid"].get<std::string>().empty());
  EXPECT_EQ(api.send("POST", kPods, pod_json("web")).json()["reason"], "AlreadyExists");

  const auto read = api.send("GET", std::string(kPods) + "/web");
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(read.json()["kind"], "Pod");

  const auto list = api.send("GET", "/api/v1/pods").json();
  EXPECT_EQ(list["kind"], "PodList");
  ASSERT_EQ(list["items"].size(), 1);
  EXPECT_EQ(list["items"][0]["metadata"]["name"], "web");

  const auto marked = api.send("DELETE", std::string(kPods) + "/web");
  EXPECT_EQ(marked.status, 200);
  EXPECT_TRUE(marked.json()["metadata"].contains("deletionTimestamp")) << marked.body;
}

TEST(Server, TellsMetrics) {
  ApiFixture api;
  const auto metrics = api.send("GET", "/metrics");
  EXPECT_EQ(metrics.status, 200);
  EXPECT_EQ(metrics.body, "duet_tests 1\n");
  EXPECT_EQ(api.send("POST", "/metrics").status, 405);
}

TEST(Server, SaysNotFoundAsKubernetesDoes) {
  ApiFixture api;
  const auto answer = api.send("GET", std::string(kPods) + "/x");
  EXPECT_EQ(answer.status, 404);
  const Json status = answer.json();
  EXPECT_EQ(status["kind"], "Status");
  EXPECT_EQ(status["reason"], "NotFound");
  EXPECT_EQ(status["code"], 404);
  EXPECT_EQ(status["message"], "pods \"x\" not found");
  EXPECT_EQ(api.send("GET", "/apis/apps/v1/namespaces/default/deployments/x").json()["message"],
            "deployments.apps \"x\" not found");
}

TEST(Server, AppliesYamlAndRefusesWhatIsInvalid) {
  ApiFixture api;
  const std::string target = std::string(kPods) + "/web?fieldManager=test";
  const std::string yaml =
      "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - {name: main, "
      "image: busybox}\n";
  const auto first = api.send("PATCH", target, yaml, "application/apply-patch+yaml");
  EXPECT_EQ(first.status, 201) << first.body;
  const auto second = api.send("PATCH", target, yaml, "application/apply-patch+yaml");
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(first.json()["metadata"]["resourceVersion"],
            second.json()["metadata"]["resourceVersion"]);

  const auto wrong = api.send("PATCH", target, pod_json("web").replace(2, 10, "apiVersiom"));
  EXPECT_EQ(wrong.status, 422) << wrong.body;
  const std::string typo =
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},"spec":{"containers":[{"name":"main","imagee":"b"}]}})";
  const auto invalid = api.send("PATCH", target, typo);
  EXPECT_EQ(invalid.status, 422);
  EXPECT_EQ(invalid.json()["reason"], "Invalid");
  EXPECT_NE(invalid.json()["details"]["causes"].dump().find("imagee"), std::string::npos);
  EXPECT_EQ(api.send("PATCH", target, pod_json("other")).status, 400);
  EXPECT_EQ(api.send("PATCH", target, "{}", "application/strategic-merge-patch+json").status, 415);
}

TEST(Server, MergesPatchesAndSeesConflicts) {
  ApiFixture api;
  const std::string target = std::string(kPods) + "/web";
  const auto made = api.send("POST", kPods, pod_json("web"));
  const auto patched =
      api.send("PATCH", target, R"({"metadata":{"labels":{"tier":"front","app":null}}})",
               "application/merge-patch+json");
  ASSERT_EQ(patched.status, 200) << patched.body;
  EXPECT_EQ(patched.json()["metadata"]["labels"], (Json{{"tier", "front"}}));
  // The version from before the patch is stale now.
  Json stale = made.json();
  stale["metadata"]["labels"]["app"] = "b";
  const auto conflict = api.send("PUT", target, stale.dump());
  EXPECT_EQ(conflict.status, 409) << conflict.body;
  EXPECT_EQ(conflict.json()["reason"], "Conflict");
}

TEST(Server, SelectsByLabelAndField) {
  ApiFixture api;
  api.send("POST", kPods, pod_json("one", "a"));
  api.send("POST", kPods, pod_json("two", "b"));
  const auto items = [&](const std::string& query) {
    return api.send("GET", kPods + query).json()["items"].size();
  };
  EXPECT_EQ(items("?labelSelector=app%3Da"), 1);
  EXPECT_EQ(items("?fieldSelector=metadata.name%3Dtwo"), 1);
  EXPECT_EQ(items("?labelSelector=app"), 2);
  EXPECT_EQ(api.send("GET", std::string(kPods) + "?labelSelector=%3D").status, 400);
}

TEST(Server, WatchTellsEveryChangeFromAListOn) {
  ApiFixture api;
  api.send("POST", kPods, pod_json("old"));
  const std::string version =
      api.send("GET", kPods).json()["metadata"]["resourceVersion"].get<std::string>();
  api.send("POST", kPods, pod_json("new"));
  auto client = net::HttpClient::connect_unix(api.socket(), 10'000);
  ASSERT_TRUE(client.ok());
  const auto head =
      client->send({.target = std::string(kPods) + "?watch=1&resourceVersion=" + version});
  ASSERT_EQ(head->status, 200);
  std::string text;
  const auto wait_for = [&](const std::string& wanted) {
    while (text.find(wanted) == std::string::npos) {
      const auto piece = client->read_body();
      ASSERT_TRUE(piece.ok() && !piece->empty()) << text;
      text += *piece;
    }
  };
  wait_for("\"ADDED\"");
  EXPECT_NE(text.find("\"new\""), std::string::npos);
  EXPECT_EQ(text.find("\"old\""), std::string::npos);
  api.send("DELETE", std::string(kPods) + "/old?gracePeriodSeconds=0");
  wait_for("\"old\"");
  EXPECT_EQ(text.back(), '\n');
}

TEST(Server, WatchFromTheDistantPastIsExpired) {
  ApiFixture api;
  const auto answer = api.send("GET", std::string(kPods) + "?watch=1&resourceVersion=999999999");
  EXPECT_EQ(answer.status, 410) << answer.body;
  EXPECT_EQ(answer.json()["reason"], "Expired");
}

TEST(Server, ShowsLogsAndFollowsThemToTheEnd) {
  ApiFixture api;
  const std::string target = std::string(kPods) + "/web";
  const auto uid =
      api.send("POST", kPods, pod_json("web")).json()["metadata"]["uid"].get<std::string>();
  EXPECT_EQ(api.send("GET", target + "/log").status, 400);  // not started yet
  const std::string log = api.folder() + "/main/1.log";
  ASSERT_TRUE(sys::write_file(log, "2026-01-31T12:00:00Z stdout F one\n").ok());
  EXPECT_EQ(api.send("GET", target + "/log").body, "one\n");
  EXPECT_EQ(api.send("GET", target + "/log?container=nope").status, 400);
  EXPECT_EQ(api.send("GET", target + "/log?tailLines=x").status, 400);

  auto client = net::HttpClient::connect_unix(api.socket(), 10'000);
  ASSERT_EQ(client->send({.target = target + "/log?follow=true"})->status, 200);
  EXPECT_EQ(client->read_body().value(), "one\n");
  ASSERT_TRUE(sys::write_file(log,
                              "2026-01-31T12:00:00Z stdout F one\n"
                              "2026-01-31T12:00:01Z stdout F two\n")
                  .ok());
  EXPECT_EQ(client->read_body().value(), "two\n");
  const std::string ended =
      R"({"phase":"Succeeded","containerStatuses":[{"name":"main","restartCount":1,"state":{"terminated":{"exitCode":0}}}]})";
  ASSERT_TRUE(api.store().update_status({object::Kind::kPod, "default", "web"}, uid, ended).ok());
  EXPECT_EQ(client->read_body().value(), "");
}

TEST(Server, AnswersCurl) {
  ApiFixture api;
  const auto run =
      sys::run({.argv = {"curl", "-s", "--unix-socket", api.socket(), "http://localhost/version"}},
               "", 10'000);
  ASSERT_TRUE(run.ok());
  EXPECT_EQ(Json::parse(run->out)["major"], "1") << run->out;
  EXPECT_EQ(api.send("GET", "/healthz").body, "ok");
  EXPECT_EQ(api.send("GET", "/apis").json()["groups"].size(), 4);
  EXPECT_EQ(api.send("GET", "/apis/apps/v1").json()["resources"][0]["name"], "deployments");
}

TEST(Server, WhatIsNotThereIs404AndWhatIsNotAllowed405) {
  ApiFixture api;
  for (const char* target : {"/", "/nothing", "/api/v2", "/api/v1/widgets", "/apis/x/v1",
                             "/api/v1/namespaces/default/pods/web/nope",
                             "/api/v1/namespaces/default/services/web/log"}) {
    EXPECT_EQ(api.send("GET", target).status, 404) << target;
  }
  EXPECT_EQ(api.send("DELETE", kPods).status, 405);
  EXPECT_EQ(api.send("POST", "/version").status, 405);
  EXPECT_EQ(api.send("POST", "/api/v1/namespaces/default/events", "{}").status, 405);
}

TEST(Server, ExecNeedsAnUpgradeAndAPod) {
  ApiFixture api;
  EXPECT_EQ(api.send("POST", std::string(kPods) + "/web/exec?command=ls").status, 400);
}

TEST(Server, LargeBodiesAreRefused) {
  ApiFixture api({.body_size_bytes = 1000});
  const auto answer = api.send("POST", kPods, std::string(5000, ' '));
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.json()["reason"], "RequestEntityTooLarge");
}

TEST(Server, ConnectionsAreBounded) {
  ApiFixture api({.connection_limit = 2});
  auto first = net::HttpClient::connect_unix(api.socket(), 10'000);
  auto second = net::HttpClient::connect_unix(api.socket(), 10'000);
  ASSERT_EQ(first->send({.target = "/healthz"})->status, 200);
  ASSERT_EQ(second->send({.target = "/healthz"})->status, 200);
  auto third = net::HttpClient::connect_unix(api.socket(), 10'000);
  const auto refused = third->send({.target = "/healthz"});
  if (refused.ok()) {  // else the connection was closed before the request was sent
    EXPECT_EQ(refused->status, 503);
  }
  // The first two are served still.
  ASSERT_TRUE(first->read_whole_body(100).ok());
  EXPECT_EQ(first->send({.target = "/healthz"})->status, 200);
}

TEST(Server, SocketIsPrivateAndNotTakenFromALivingServer) {
  ApiFixture api;
  struct stat info{};
  ASSERT_EQ(stat(api.socket().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  sys::SystemClock clock;
  const auto other = Server::start({.store = api.store(), .pods = nullptr, .clock = clock},
                                   {.socket_path = api.socket()});
  EXPECT_EQ(other.error().code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(api.send("GET", "/healthz").status, 200);
}

TEST(Server, StopsWhileClientsWait) {
  ApiFixture api;
  auto client = net::HttpClient::connect_unix(api.socket(), 10'000);
  ASSERT_EQ(client->send({.target = "/api/v1/pods?watch=1"})->status, 200);
  auto idle = net::HttpClient::connect_unix(api.socket(), 10'000);
  api.stop();
  while (true) {
    const auto piece = client->read_body();
    if (!piece.ok() || piece->empty()) {
      break;
    }
  }
}

TEST(Server, NonsenseNeverCrashesIt) {
  ApiFixture api;
  std::mt19937 random(11);
  const std::string sample =
      "POST /api/v1/namespaces/default/pods HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n"
      "Content-Type: application/json\r\n\r\n{\"kind\":\"Pod\",\"a\":[]}";
  for (int round = 0; round < 300; ++round) {
    std::string text = sample;
    for (int i = 0; i < 4; ++i) {
      text[random() % text.size()] = static_cast<char>(random());
    }
    const auto socket = net::connect_unix(api.socket(), 5'000);
    ASSERT_TRUE(socket.ok());
    (void)sys::write_all(socket->get(), text);
    shutdown(socket->get(), SHUT_WR);
    (void)sys::read_all(socket->get(), 1 << 20);
  }
  const auto deep = std::string(50'000, '[');
  EXPECT_GE(api.send("POST", kPods, deep).status, 400);
  EXPECT_GE(
      api.send("PATCH", std::string(kPods) + "/web", deep, "application/merge-patch+json").status,
      400);
  EXPECT_EQ(api.send("GET", "/healthz").status, 200);
}

}  // namespace
}  // namespace duet::api
