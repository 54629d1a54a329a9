#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "cluster/api_client.h"
#include "cluster/api_server_for_test.h"
#include "cluster/follower.h"

namespace duet::cluster {
namespace {

using Request = ApiServerForTest::Request;
using Connection = ApiServerForTest::Connection;

std::string object_json(const std::string& name, int version) {
  return Json{{"metadata", {{"name", name}, {"resourceVersion", std::to_string(version)}}}}.dump();
}
std::string event(const std::string& type, const std::string& name, int version) {
  return R"({"type":")" + type + R"(","object":)" + object_json(name, version) + "}\n";
}
std::string list_answer(int version, const std::string& items) {
  return ApiServerForTest::with_body(200, R"({"metadata":{"resourceVersion":")" +
                                              std::to_string(version) + R"("},"items":[)" + items +
                                              "]}");
}

// Follows a list on a thread of its own, and remembers what it was told.
class Following {
 public:
  explicit Following(const Access& to, ApiOptions options = {},
                     FollowerOptions follow = impatient())
      : access_(to), client_(access_, clock_, random_, thread_stop_.get_token(), options) {
    follower_.emplace(
        client_, clock_, random_, std::move(follow),
        Follower::Sink{
            .replace =
                [this](const std::vector<Json>& all) {
                  std::string text = "all";
                  for (const Json& one : all) {
                    text += " " + one["metadata"]["name"].get<std::string>();
                  }
                  tell(text);
                },
            .change =
                [this](ApiWatch::Type type, const Json& one) {
                  const char* const names[] = {"added ", "modified ", "deleted "};
                  tell(names[static_cast<int>(type)] + one["metadata"]["name"].get<std::string>());
                },
            .report =
                [this](const Status& status) {
                  tell(status.ok() ? "well" : "failed: " + status.error().message());
                },
        });
    thread_ = std::thread([this] { follower_->run(thread_stop_.get_token()); });
  }
  ~Following() {
    thread_stop_.request_stop();
    thread_.join();
  }

  static FollowerOptions impatient() {
    return {.path = "/api/v1/pods",
            .query = {},
            .backoff_first_ms = 1,
            .backoff_limit_ms = 2,
            .shortest_watch_ms = 0};
  }

  // Waits until something with `part` in it was told.
  bool hears(const std::string& part) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [&] {
      for (const std::string& one : told_) {
        if (one.find(part) != std::string::npos) {
          return true;
        }
      }
      return false;
    });
  }
  std::vector<std::string> told() {
    const std::lock_guard lock(mutex_);
    return told_;
  }

 private:
  void tell(const std::string& text) {
    const std::lock_guard lock(mutex_);
    told_.push_back(text);
    changed_.notify_all();
  }

  sys::SystemClock clock_;
  sys::SeededRandom random_{1};
  std::stop_source thread_stop_;
  CurrentAccess access_;
  ApiClient client_;
  std::optional<Follower> follower_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> told_;
  std::thread thread_;
};

bool is_watch(const Request& request) { return request.line.find("watch=1") != std::string::npos; }
bool is_from(const Request& request, int version) {
  return request.line.find("resourceVersion=" + std::to_string(version) + "&") !=
             std::string::npos ||
         request.line.find("resourceVersion=" + std::to_string(version) + " ") != std::string::npos;
}

TEST(Follower, ListsThenWatchesAndGoesOnWhereAWatchEnded) {
  ApiServerForTest server([](const Request& request, Connection& connection) {
    if (!is_watch(request)) {
      return connection.write(list_answer(5, object_json("a", 3)));
    }
    connection.write(ApiServerForTest::watch_head());
    if (is_from(request, 5)) {
      const std::string both = event("ADDED", "b", 6) + event("BOOKMARK", "", 9);
      connection.write(ApiServerForTest::chunk(both.substr(0, 20)));  // lines may come in pieces
      connection.write(ApiServerForTest::chunk(both.substr(20)));
      return connection.write(ApiServerForTest::last_chunk());
    }
    if (is_from(request, 9)) {
      connection.write(
          ApiServerForTest::chunk(event("MODIFIED", "b", 10) + event("DELETED", "a", 11)));
    }
    connection.wait_for_end();
    return false;
  });
  Following following(server.access());
  EXPECT_TRUE(following.hears("deleted a"));
  EXPECT_EQ(following.told(),
            (std::vector<std::string>{"all a", "added b", "modified b", "deleted a"}));
}

TEST(Follower, ListsAnewWhenItsPlaceIsForgotten) {
  std::atomic<int> lists = 0;
  const std::string gone = R"({"kind":"Status","code":410,"reason":"Expired","message":"too old"})";
  ApiServerForTest server([&](const Request& request, Connection& connection) {
    if (!is_watch(request)) {
      const int turn = ++lists;
      return connection.write(list_answer(turn * 10, object_json("n" + std::to_string(turn), 3)));
    }
    if (is_from(request, 10)) {  // both ways in which a server says so
      return connection.write(ApiServerForTest::with_body(410, gone));
    }
    connection.write(ApiServerForTest::watch_head());
    if (is_from(request, 20)) {
      connection.write(ApiServerForTest::chunk(R"({"type":"ERROR","object":)" + gone + "}\n"));
      return connection.write(ApiServerForTest::last_chunk());
    }
    connection.wait_for_end();
    return false;
  });
  Following following(server.access());
  EXPECT_TRUE(following.hears("all n3"));
  EXPECT_EQ(following.told(), (std::vector<std::string>{"all n1", "all n2", "all n3"}));
}

TEST(Follower, SurvivesWhateverAServerSends) {
  const std::vector<std::string> bad = {
      "not json\n",
      "{}\n",
      R"({"type":"ADDED"})"
      "\n",
      R"({"type":"ODD","object":{}})"
      "\n",
      R"({"type":"ADDED","object":{"metadata":{"name":"x"}}})"
      "\n",
      "[1]\n",
      R"({"type":7,"object":{}})"
      "\n",
      std::string(5'000, 'x'),
  };
  std::atomic<std::size_t> next = 0;
  ApiServerForTest server([&](const Request& request, Connection& connection) {
    if (!is_watch(request)) {
      return connection.write(list_answer(5, ""));
    }
    connection.write(ApiServerForTest::watch_head());
    const std::size_t turn = next++;
    if (turn < bad.size()) {
      connection.write(ApiServerForTest::chunk(bad[turn]));
      return connection.write(ApiServerForTest::last_chunk());
    }
    connection.write(ApiServerForTest::chunk(event("ADDED", "good", 6)));
    connection.wait_for_end();
    return false;
  });
  Following following(server.access(), {.event_bytes = 4'000});
  EXPECT_TRUE(following.hears("added good"));
  EXPECT_TRUE(following.hears("no event"));
  EXPECT_TRUE(following.hears("more than 4000 bytes"));
}

TEST(Follower, AWatchThatStallsIsBegunAgainWithoutAList) {
  std::atomic<int> watches = 0;
  ApiServerForTest server([&](const Request& request, Connection& connection) {
    if (!is_watch(request)) {
      return connection.write(list_answer(5, ""));
    }
    connection.write(ApiServerForTest::watch_head());
    if (++watches > 1) {
      connection.write(ApiServerForTest::chunk(event("ADDED", "a", 6)));
    }
    connection.wait_for_end();
    return false;
  });
  Following following(server.access(), {.watch_timeout_ms = 50});
  EXPECT_TRUE(following.hears("added a"));
  EXPECT_TRUE(following.hears("well"));
  EXPECT_EQ(server.lines().front().find("watch="), std::string::npos);
  int lists = 0;
  for (const std::string& line : server.lines()) {
    lists += line.find("watch=") == std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(lists, 1);
}

TEST(Follower, SaysOnceWhatFailsAndWhenItGoesAgain) {
  std::atomic<int> asked = 0;
  ApiServerForTest server([&](const Request& request, Connection& connection) {
    if (++asked <= 5) {
      return connection.write(ApiServerForTest::with_body(
          401, R"({"kind":"Status","code":401,"reason":"Unauthorized","message":"who?"})"));
    }
    if (!is_watch(request)) {
      return connection.write(list_answer(5, ""));
    }
    connection.write(ApiServerForTest::watch_head());
    connection.wait_for_end();
    return false;
  });
  Following following(server.access());
  EXPECT_TRUE(following.hears("well"));
  const auto told = following.told();
  ASSERT_EQ(told.size(), 3U);
  EXPECT_NE(told[0].find("who?"), std::string::npos);
  EXPECT_EQ(told[1], "all");
  EXPECT_EQ(told[2], "well");
}

TEST(Follower, ARefusalHasAPauseOfItsOwn) {
  constexpr std::int64_t kHourMs = 3'600'000;
  FollowerOptions options = Following::impatient();
  options.backoff_first_ms = kHourMs;
  options.backoff_limit_ms = kHourMs;
  options.refused_pause_ms = 2;
  std::atomic<int> asked = 0;
  ApiServerForTest server([&](const Request& request, Connection& connection) {
    if (++asked == 1) {
      return connection.write(ApiServerForTest::with_body(
          403, R"({"kind":"Status","code":403,"reason":"Forbidden","message":"not yours"})"));
    }
    if (!is_watch(request)) {
      return connection.write(list_answer(5, object_json("a", 3)));
    }
    connection.write(ApiServerForTest::watch_head());
    connection.wait_for_end();
    return false;
  });
  Following following(server.access(), {}, options);
  EXPECT_TRUE(following.hears("all a"));
  EXPECT_EQ(following.told().front().find("failed"), 0U);
}

}  // namespace
}  // namespace duet::cluster
