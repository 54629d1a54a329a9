#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "cli/live_block.h"
#include "gateway/config.h"
#include "source/folder.h"
#include "store/store.h"
#include "sys/clock.h"

namespace duet::cli {

// Shows what happens on a node: on a terminal a live table of pods and routes under the lines of
// what happened, elsewhere the lines alone. Thread-safe.
class SiteView {
 public:
  enum class Style { kLines, kLive };

  // `write` gets text for the terminal or file; `size` is the terminal's, asked only for kLive.
  // `clock` outlives the view.
  SiteView(Style style, const sys::Clock& clock, const LiveBlock::Write& write,
           LiveBlock::Size size);
  ~SiteView();

  // Shows the pods of `store` from now on, on a thread of its own, until the view goes or stop().
  Status follow(store::Store& store);
  void stop();

  void log(const std::string& line);
  void folder(const source::FolderReport& report);
  void routes(const gateway::RouteTable& table);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// One line a hostname, route and path: "http://127.0.0.1:8080/menu   HTTPRoute shop/shop   handler
// shop/front-.../front". Pure.
std::vector<std::vector<std::string>> describe_routes(const gateway::RouteTable& table);

}  // namespace duet::cli
