// many_nodes SERVER TOKEN-FILE CA-FILE COUNT FOLDER
//
// COUNT nodes of one cluster in one process, without anything that runs pods: each joins, keeps its
// Node and Lease and follows its pods, as an agent's cluster side does. Their names are sim-0,
// sim-1, ...; what each keeps stands in FOLDER. Their log lines go to standard output. Ends with
// standard input.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cluster/cluster_node.h"
#include "store/store.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/machine.h"
#include "sys/randomness.h"

namespace {

using namespace duet;  // NOLINT(google-build-using-namespace)

struct Arguments {
  cluster::JoinOptions join;
  int count = 0;
  std::string folder;
};

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "many_nodes: %s\n", what.c_str());
  std::exit(1);
}

// One whole line at a time, whoever says it.
void say(const std::string& node, const std::string& line) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::printf("%s %s\n", node.c_str(), line.c_str());
  std::fflush(stdout);
}

struct SimulatedNode {
  std::unique_ptr<store::Store> store;
  std::unique_ptr<cluster::ClusterNode> node;
};

SimulatedNode start(const Arguments& arguments, const sys::Machine& machine, int number,
                    const sys::Clock& clock, sys::Random& random) {
  const std::string name = "sim-" + std::to_string(number);
  const std::string folder = arguments.folder + "/" + name;
  if (const auto made = sys::make_directories(folder, 0700); !made.ok()) {
    fail(made.error().message());
  }
  auto store = store::Store::open(folder + "/store.db", clock);
  if (!store.ok()) {
    fail(store.error().message());
  }
  auto node =
      cluster::ClusterNode::start(**store, clock, random,
                                  {.join = arguments.join,
                                   .facts = cluster::wasm_node({.name = name,
                                                                .host_name = name,
                                                                .address = "127.0.0.1",
                                                                .runtime_handlers = {"wasm"},
                                                                .machine = machine}),
                                   .directory = folder + "/cluster",
                                   .measured_path = folder,
                                   .log = [name](const std::string& line) { say(name, line); }});
  if (!node.ok()) {
    fail(node.error().message());
  }
  return {std::move(*store), std::move(*node)};
}

void wait_for_end_of_input() {
  char ignored = 0;
  while (::read(STDIN_FILENO, &ignored, 1) > 0) {
  }
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int kArguments = 6;
  if (argc != kArguments) {
    fail("usage: many_nodes SERVER TOKEN-FILE CA-FILE COUNT FOLDER");
  }
  const Arguments arguments{.join = {.server = argv[1],
                                     .token_file = argv[2],
                                     .ca_file = argv[3],
                                     .bootstrap_kubeconfig = {}},
                            .count = std::atoi(argv[4]),
                            .folder = argv[5]};
  const auto machine = sys::examine_machine();
  if (!machine.ok()) {
    fail(machine.error().message());
  }
  const sys::SystemClock clock;
  sys::SystemRandom random;
  std::vector<SimulatedNode> nodes;
  for (int number = 0; number < arguments.count; ++number) {
    nodes.push_back(start(arguments, *machine, number, clock, random));
  }
  say("all", "started");
  wait_for_end_of_input();
  // Not one after the other: each waits for its threads, some of them for an answer.
  std::_Exit(0);
}
