#pragma once

#include <set>
#include <string>
#include <vector>

#include "gateway/config.h"
#include "object/kinds.h"
#include "pod/handlers.h"
#include "route/service_slices.h"
#include "route/shares.h"
#include "route/table_builder.h"

namespace duet::route {

// The route that asks for a backend. Refers to the route's object.
struct AskingRoute {
  const object::Meta& meta;
  object::Kind kind;
  gateway::InstanceReuse reuse;
};

// A port of a Service, by its number or its name.
struct ServiceReference {
  std::string ns;
  std::string service;
  int port_number = 0;
  std::string port_name;  // empty: by its number
  double weight = 1;
};

// Turns references to Services into shares of backends, and collects the backends that are needed,
// each once, and what is wrong with them. Refers to both arguments. Not thread-safe.
class Backends {
 public:
  Backends(const SiteObjects& site, BuiltTable& built)
      : site_(site), slices_(site.endpoint_slices), built_(built) {}

  // Appends what `reference` stands for; `missing_status` answers when there is no such Service or
  // port.
  void add(const AskingRoute& asking, const ServiceReference& reference, int missing_status,
           const gateway::Filters& filters, std::vector<Share>& into);

  // `from` with the handlers that stand before the backends of the HTTPRoute `owner`.
  gateway::Filters filters_of(const object::Meta& owner,
                              const std::vector<object::HttpRouteFilter>& from);

  // Makes every port of every Service reachable for handlers by name.
  void publish_services();

  // A route to each handler from its pod's own address. Like a process it is answered there whether
  // the pod is ready or not.
  void publish_pods();

 private:
  // A backend of a Service and its fraction of the Service's requests.
  struct Part {
    std::string backend;
    double fraction = 1;
  };

  const object::Service* find_service(const std::string& ns, const std::string& name) const;
  std::vector<Part> parts_of(const object::Service& service, const object::ServicePort& port,
                             const AskingRoute* asking);
  std::string filter_handler(const object::Meta& owner, const std::string& name);
  void put_containers(const object::Service& service, const std::string& name,
                      gateway::ProxyBackend backend);
  std::string put_handler_of(const AskingRoute& asking, const pod::HandlerInstance& handler);
  std::string put_handler(const pod::HandlerInstance& handler);
  void put_handler_as(const std::string& name, const pod::HandlerInstance& handler,
                      const gateway::InstanceReuse& reuse);
  void put(gateway::BackendConfig backend);

  void note(const AskingRoute& asking, std::string reason, std::string message);
  void note_problem(const object::Service& service, std::string reason, std::string message);
  void note_pod(const pod::HandlerInstance& handler, const char* reason, std::string message);
  void note_problems(const pod::HandlerInstance& handler, const std::vector<std::string>& problems);

  const SiteObjects& site_;
  ServiceSlices slices_;
  BuiltTable& built_;
  std::set<std::string> known_;  // names of the backends in the table
  std::set<std::string> told_;   // names of the handlers whose problems are in the list
};

}  // namespace duet::route
