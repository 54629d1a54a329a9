#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <stop_token>
#include <string>
#include <utility>

#include "cluster/access.h"
#include "cluster/api_server_for_test.h"
#include "cluster/heard_for_test.h"
#include "store/store.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/randomness.h"

namespace duet::cluster {

// Both sides of what a test is about: a node's store in a folder of its own, and an API server that
// says what it hears. What uses them must be gone before this.
struct StoreAndServerForTest {
  explicit StoreAndServerForTest(ApiServerForTest::Answer answer)
      : server([this, answer = std::move(answer)](const ApiServerForTest::Request& request,
                                                  ApiServerForTest::Connection& connection) {
          heard.note(request.line.substr(0, request.line.find(" HTTP")) + " " + request.body);
          return answer(request, connection);
        }) {}
  StoreAndServerForTest(const StoreAndServerForTest&) = delete;
  StoreAndServerForTest& operator=(const StoreAndServerForTest&) = delete;
  ~StoreAndServerForTest() {
    store.reset();
    (void)sys::remove_tree(folder);
  }

  HeardForTest heard;  // requests, as "METHOD PATH BODY"
  std::string folder = *sys::make_temporary_directory(testing::TempDir(), "cluster-");
  sys::SystemClock clock;
  sys::SeededRandom random{1};
  std::stop_source stop;  // of the clients' requests
  ApiServerForTest server;
  CurrentAccess access{server.access()};
  std::unique_ptr<store::Store> store = *store::Store::open(folder + "/objects.db", clock);
};

}  // namespace duet::cluster
