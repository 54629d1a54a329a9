#include <gtest/gtest.h>

#include <cstdlib>

#include "api/api_fixture.h"
#include "sys/run_command.h"

// The program itself against a server in this process.
namespace duet::cli {
namespace {

std::string duet_path() {
  const char* build = std::getenv("DUET_BUILD_DIR");
  return std::string(build == nullptr ? "build" : build) + "/duet";
}

class ClientTest : public testing::Test {
 protected:
  sys::Output duet(std::vector<std::string> words, const std::string& input = "") {
    words.insert(words.begin(), {duet_path(), "--socket", api_.socket()});
    const auto run = sys::run({.argv = words}, input, 30'000);
    EXPECT_TRUE(run.ok()) << (run.ok() ? "" : run.error().message());
    return run.ok() ? *run : sys::Output{};
  }
  api::ApiFixture api_;
};

TEST_F(ClientTest, AppliesGetsAndDeletes) {
  const std::string manifest =
      "apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {app: shop}}\nspec:\n  "
      "containers:\n"
      "  - {name: main, image: busybox}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: "
      "settings}\ndata: {a: b}\n";
  const auto created = duet({"apply", "-f", "-"}, manifest);
  EXPECT_EQ(created.status.code, 0) << created.err;
  EXPECT_EQ(created.out, "pod/web created\nconfigmap/settings created\n");
  EXPECT_EQ(duet({"apply", "-f", "-"}, manifest).out,
            "pod/web unchanged\nconfigmap/settings unchanged\n");

  const auto table = duet({"get", "pods,cm"});
  EXPECT_EQ(table.status.code, 0);
  EXPECT_NE(table.out.find("NAME      READY   STATUS    RESTARTS   AGE\npod/web   0/1     Pending"),
            std::string::npos)
      << table.out;
  EXPECT_NE(table.out.find("configmap/settings"), std::string::npos);
  EXPECT_EQ(duet({"get", "po", "-o", "name"}).out, "pod/web\n");
  EXPECT_EQ(duet({"get", "po", "-l", "app=other"}).err,
            "No resources found in default namespace.\n");
  EXPECT_NE(duet({"get", "pod/web", "-o", "yaml"}).out.find("\n  name: web\n"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(duet({"get", "pods", "-o", "json"}).out)["items"].size(), 1);
  EXPECT_NE(duet({"describe", "pod", "web"}).out.find("Name:             web"), std::string::npos);

  const auto gone = duet({"delete", "pod/web", "--force"});
  EXPECT_EQ(gone.out, "pod \"web\" force deleted\n") << gone.err;
  EXPECT_EQ(duet({"get", "pods", "--ignore-not-found"}).out, "");
}

TEST_F(ClientTest, AServiceIsDescribedWithWhoAnswers) {
  const std::string manifest =
      "apiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec:\n  selector: {app: shop}\n  "
      "ports: [{port: 80}]\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {app: "
      "shop}}\nspec:\n  containers: [{name: main, image: busybox}]\n";
  ASSERT_EQ(duet({"apply", "-f", "-"}, manifest).status.code, 0);
  const auto text = duet({"describe", "service", "shop"});
  EXPECT_EQ(text.status.code, 0) << text.err;
  EXPECT_NE(text.out.find("Endpoints 80:     <none>"), std::string::npos) << text.out;
}

TEST_F(ClientTest, ErrorsReadAsKubectls) {
  const auto missing = duet({"get", "pod", "x"});
  EXPECT_EQ(missing.status.code, 1);
  EXPECT_EQ(missing.err, "Error from server (NotFound): pods \"x\" not found\n");
  EXPECT_EQ(duet({"delete", "pod", "x"}).status.code, 1);
  EXPECT_EQ(duet({"delete", "pod", "x", "--ignore-not-found"}).status.code, 0);
  const auto unknown = duet({"get", "pdos"});
  EXPECT_EQ(unknown.status.code, 2);
  EXPECT_NE(unknown.err.find("did you mean \"pods\""), std::string::npos);
  EXPECT_EQ(duet({"gte"}).status.code, 2);
  EXPECT_EQ(duet({"delete", "pods"}).status.code, 2);
}

TEST_F(ClientTest, ABrokenManifestChangesNothing) {
  const auto broken =
      duet({"apply", "-f", "-"},
           "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\n---\napiVersion: "
           "v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - {name: "
           "main, imagee: busybox}\n");
  EXPECT_EQ(broken.status.code, 1);
  EXPECT_NE(broken.err.find("<stdin>:10:"), std::string::npos) << broken.err;
  EXPECT_NE(broken.err.find("image"), std::string::npos);
  EXPECT_EQ(duet({"get", "cm", "-o", "name"}).out, "");
}

TEST_F(ClientTest, PrintsLogs) {
  ASSERT_EQ(api_.send("POST", api::kPods, api::pod_json("web")).status, 201);
  ASSERT_TRUE(
      sys::write_file(api_.folder() + "/main/1.log",
                      "2026-01-31T12:00:00Z stdout F one\n2026-01-31T12:00:01Z stderr F two\n")
          .ok());
  EXPECT_EQ(duet({"logs", "web"}).out, "one\ntwo\n");
  EXPECT_EQ(duet({"logs", "pod/web", "--tail=1", "--timestamps"}).out,
            "2026-01-31T12:00:01Z two\n");
  EXPECT_EQ(duet({"logs", "nope"}).err, "Error from server (NotFound): pods \"nope\" not found\n");
}

TEST_F(ClientTest, PrintsTheLogsOfASelectorsPods) {
  ASSERT_EQ(api_.send("POST", api::kPods, api::pod_json("a", "x")).status, 201);
  ASSERT_EQ(api_.send("POST", api::kPods, api::pod_json("b", "x")).status, 201);
  ASSERT_TRUE(
      sys::write_file(api_.folder() + "/main/1.log", "2026-01-31T12:00:00Z stdout F one\n").ok());
  EXPECT_EQ(duet({"logs", "-l", "app=x"}).out, "one\none\n");
  EXPECT_EQ(duet({"logs", "-l", "app=y"}).err, "No resources found in default namespace.\n");
  EXPECT_EQ(duet({"logs", "-f", "-l", "app=x"}).status.code, 2);
  EXPECT_EQ(duet({"logs", "a", "-l", "app=x"}).status.code, 2);
}

TEST_F(ClientTest, WithoutANodeItSaysHowToStartOne) {
  api_.stop();
  const auto run = duet({"get", "pods"});
  EXPECT_EQ(run.status.code, 1);
  EXPECT_NE(run.err.find("duet up"), std::string::npos) << run.err;
  EXPECT_EQ(duet({"version"}).status.code, 0);
}

TEST_F(ClientTest, CompletionScriptsAreValidShell) {
  const auto script = duet({"completion", "bash"});
  ASSERT_EQ(script.status.code, 0);
  const auto check = sys::run({.argv = {"bash", "-n"}}, script.out, 10'000);
  EXPECT_EQ(check->status.code, 0) << check->err;
  EXPECT_NE(duet({"completion", "zsh"}).out.find("#compdef duet"), std::string::npos);
  EXPECT_NE(duet({"completion", "fish"}).out.find("complete -c duet"), std::string::npos);
  EXPECT_EQ(duet({"completion", "cmd"}).status.code, 2);
}

TEST_F(ClientTest, BashCompletesWhatIsOnTheNode) {
  ASSERT_EQ(api_.send("POST", api::kPods, api::pod_json("web")).status, 201);
  const std::string line = duet_path() + " get --socket " + api_.socket() + " pods ";
  const std::string script = duet({"completion", "bash"}).out + "\nCOMP_LINE='" + line +
                             "w' COMP_POINT=" + std::to_string(line.size() + 1) +
                             "\n_duet; echo \"${COMPREPLY[@]}\"\nCOMP_LINE='" + line +
                             "-o=j' COMP_POINT=" + std::to_string(line.size() + 4) +
                             "\n_duet; echo \"${COMPREPLY[@]}\"\n";
  const auto shell = sys::run({.argv = {"bash"}}, script, 10'000);
  EXPECT_EQ(shell->out, "web\njson\n") << shell->err;
}

}  // namespace
}  // namespace duet::cli
