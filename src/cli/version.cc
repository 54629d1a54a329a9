#include <sys/utsname.h>

#include <cstdio>

#include "cli/api_client.h"
#include "cli/json_text.h"
#include "cli/verbs.h"

namespace duet::cli {
namespace {

constexpr Flag kFlags[] = {
    {"client", 0, "", "Only this program's version; do not ask the node"},
    {"output", 'o', "FORMAT", "json instead of lines", "json"},
};

Result<int> run(const Invocation& invocation) {
  utsname machine{};
  uname(&machine);
  Json out = {{"client",
               {{"version", DUET_VERSION}, {"platform", std::string("linux/") + machine.machine}}}};
  if (!invocation.has("client")) {
    auto api = ApiClient::connect(invocation);
    if (api.ok()) {
      DUET_ASSIGN(out["node"], api->get("/version"));
    }
  }
  if (invocation.value("output") == "json") {
    std::printf("%s\n", out.dump(2).c_str());
    return 0;
  }
  std::printf("Client Version: %s\n", DUET_VERSION);
  if (out.contains("node")) {
    std::printf("Server Version: %s\n", text_at(out, "/node/gitVersion").c_str());
  }
  return 0;
}

}  // namespace

Verb version_verb() {
  return {.name = "version",
          .arguments = "",
          .summary = "Print the version of this program and of the node",
          .description = "",
          .flags = kFlags,
          .examples = {},
          .run = run};
}

}  // namespace duet::cli
