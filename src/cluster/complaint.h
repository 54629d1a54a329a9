#pragma once

#include <functional>
#include <string>
#include <utility>

#include "base/result.h"

namespace duet::cluster {

// What goes wrong again and again is said once. For one thread.
class Complaint {
 public:
  explicit Complaint(std::function<void(const std::string& line)> log) : log_(std::move(log)) {}

  // How it went this time. `good_again` is said when it did not the last time.
  void note(const Status& status, const char* good_again) {
    const std::string text = status.ok() ? "" : status.error().message();
    if (text != last_) {
      log_("cluster: " + (text.empty() ? std::string(good_again) : text));
      last_ = text;
    }
  }

 private:
  std::function<void(const std::string& line)> log_;
  std::string last_;
};

}  // namespace duet::cluster
