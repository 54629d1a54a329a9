#include "pod/address.h"

#include <chrono>
#include <utility>

namespace duet::pod {

PodAddress::PodAddress(std::string known) {
  std::promise<Result<std::string>> promise;
  promise.set_value(std::move(known));
  address_ = promise.get_future().share();
}

PodAddress PodAddress::coming(std::function<Result<std::string>()> attach) {
  PodAddress address;
  address.address_ = std::async(std::launch::async, std::move(attach)).share();
  return address;
}

bool PodAddress::here() const {
  return address_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

}  // namespace duet::pod
