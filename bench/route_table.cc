// route_table SERVICES SLICES ROUNDS
//
// What a change of one EndpointSlice costs a node of a cluster with so many Services: reading both
// kinds from the store, decoding them, all or only what changed, and building the table. Medians in
// milliseconds.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "object/codec.h"
#include "route/decoded_list.h"
#include "route/table_builder.h"
#include "store/store.h"
#include "sys/clock.h"
#include "sys/file.h"

namespace {

using duet::object::Kind;
using nlohmann::json;
namespace fs = std::filesystem;

constexpr int kEndpoints = 10;  // of a slice

json service(int number) {
  return {{"metadata", {{"name", "s" + std::to_string(number)}, {"labels", {{"app", "shop"}}}}},
          {"spec",
           {{"selector", {{"app", "s" + std::to_string(number)}}},
            {"ports", {{{"name", "http"}, {"port", 80}}, {{"name", "admin"}, {"port", 81}}}}}}};
}

json slice(int number, int services, int round) {
  json endpoints = json::array();
  for (int i = 0; i < kEndpoints; ++i) {
    const std::string last = std::to_string((number * kEndpoints + i + round) % 250 + 1);
    endpoints.push_back(
        {{"addresses", {"10.1." + std::to_string(number % 250) + "." + last}},
         {"conditions", {{"ready", true}, {"serving", true}}},
         {"nodeName", "node-" + last},
         {"targetRef", {{"kind", "Pod"}, {"name", "p-" + last}, {"uid", "u-" + last}}}});
  }
  return {{"metadata",
           {{"name", "e" + std::to_string(number)},
            {"labels", {{"kubernetes.io/service-name", "s" + std::to_string(number % services)}}}}},
          {"addressType", "IPv4"},
          {"endpoints", endpoints},
          {"ports", {{{"name", "http"}, {"port", 8080}}, {{"name", "admin"}, {"port", 8081}}}}};
}

template <typename Value>
Value must(duet::Result<Value> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "route_table: %s\n", result.error().message().c_str());
    std::exit(1);
  }
  return std::move(*result);
}

void put(duet::store::Store& store, Kind kind, const json& object) {
  (void)must(store.apply(
      {{kind, "shop", object["metadata"]["name"].get<std::string>()}, "", 0, object.dump()}));
}

// The milliseconds of each round.
class Stopwatch {
 public:
  explicit Stopwatch(const char* name) : name_(name) {}
  void time(const std::function<void()>& work) {
    const auto begun = std::chrono::steady_clock::now();
    work();
    ms_.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun)
            .count());
  }
  void print() {
    std::sort(ms_.begin(), ms_.end());
    std::printf("%-28s %8.1f\n", name_, ms_[ms_.size() / 2]);
  }

 private:
  const char* name_;
  std::vector<double> ms_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: route_table SERVICES SLICES ROUNDS\n");
    return 2;
  }
  const int services = std::atoi(argv[1]);
  const int slices = std::atoi(argv[2]);
  const int rounds = std::atoi(argv[3]);
  if (services < 1 || slices < 1 || rounds < 1) {
    std::fprintf(stderr, "route_table: each number must be 1 or more\n");
    return 2;
  }
  const std::string folder =
      must(duet::sys::make_temporary_directory(fs::temp_directory_path().string(), "route_table-"));
  const duet::sys::SystemClock clock;
  {
    const auto store = must(duet::store::Store::open(folder + "/store.db", clock));
    (void)must(
        store->apply({{Kind::kNamespace, "", "shop"}, "", 0, R"({"metadata":{"name":"shop"}})"}));
    for (int i = 0; i < services; ++i) {
      put(*store, Kind::kService, service(i));
    }
    for (int i = 0; i < slices; ++i) {
      put(*store, Kind::kEndpointSlice, slice(i, services, 0));
    }
    Stopwatch read("read from the store");
    Stopwatch anew("decode all");
    Stopwatch changed("decode what changed");
    Stopwatch build("build the table");
    duet::route::DecodedList<duet::object::Service> kept_services(duet::object::decode_service);
    duet::route::DecodedList<duet::object::EndpointSlice> kept_slices(
        duet::object::decode_endpoint_slice);
    for (int round = 1; round <= rounds; ++round) {
      put(*store, Kind::kEndpointSlice, slice(round % slices, services, round));
      duet::store::Listing all_services;
      duet::store::Listing all_slices;
      duet::route::SiteObjects site;
      read.time([&] {
        all_services = must(store->list(Kind::kService));
        all_slices = must(store->list(Kind::kEndpointSlice));
      });
      anew.time([&] {
        duet::route::DecodedList<duet::object::Service> every_service(duet::object::decode_service);
        duet::route::DecodedList<duet::object::EndpointSlice> every_slice(
            duet::object::decode_endpoint_slice);
        (void)every_service.take(all_services.objects);
        (void)every_slice.take(all_slices.objects);
      });
      changed.time([&] {
        site.services = kept_services.take(all_services.objects);
        site.endpoint_slices = kept_slices.take(all_slices.objects);
      });
      build.time([&] { (void)duet::route::build_table(site); });
      kept_services.keep(std::move(site.services));
      kept_slices.keep(std::move(site.endpoint_slices));
    }
    for (Stopwatch* one : {&read, &anew, &changed, &build}) {
      one->print();
    }
  }
  (void)duet::sys::remove_tree(folder);
  return 0;
}
