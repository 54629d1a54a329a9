#include "cluster/api_client_pool.h"

#include <gtest/gtest.h>

#include <future>

#include "cluster/api_server_for_test.h"

namespace duet::cluster {
namespace {

using Request = ApiServerForTest::Request;
using Connection = ApiServerForTest::Connection;

class ApiClientPoolTest : public testing::Test {
 protected:
  ApiServerForTest server_{[](const Request&, Connection& connection) {
    return connection.write(ApiServerForTest::with_body(200, "{}"));
  }};
  CurrentAccess access_{server_.access()};
  sys::SystemClock clock_;
  sys::SeededRandom random_{1};
  std::stop_source stop_;
  ApiClientPool pool_{access_, clock_, random_, stop_.get_token(), 2};
};

TEST_F(ApiClientPoolTest, WhoAsksAtTheSameTimeHasAConnectionOfItsOwn) {
  const auto first = pool_.borrow();
  const auto second = pool_.borrow();
  ASSERT_NE(first.get(), second.get());
  EXPECT_TRUE(first->get("/api/a").ok());
  EXPECT_TRUE(second->get("/api/b").ok());
  EXPECT_EQ(server_.connections(), 2);
}

TEST_F(ApiClientPoolTest, WhoAsksAfterAnotherHasItsConnection) {
  for (const char* path : {"/api/a", "/api/b", "/api/c"}) {
    EXPECT_TRUE(pool_.borrow()->get(path).ok());
  }
  EXPECT_EQ(server_.connections(), 1);
}

TEST_F(ApiClientPoolTest, OneTooManyGetsTheFirstThatComesBack) {
  auto first = pool_.borrow();
  const auto second = pool_.borrow();
  const ApiClient* const given_back = first.get();
  auto third = std::async(std::launch::async, [&] { return pool_.borrow().get() == given_back; });
  first.reset();
  EXPECT_TRUE(third.get());
}

}  // namespace
}  // namespace duet::cluster
