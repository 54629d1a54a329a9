#pragma once

#include "object/annotations.h"
#include "object/findings.h"
#include "object/object.h"

// What the tables of schema.h cannot say: rules between fields. Each takes a whole object that has
// been held against its table, and must bear one that did not pass; for manifest.cc alone.
namespace duet::object {

void check_kind(const Place& object, Kind kind);

void check_meta(const Place& object, Kind kind);
void check_pod(const Place& object);
void check_deployment(const Place& object);
void check_config_map(const Place& object);
void check_secret(const Place& object);
void check_service(const Place& object);
void check_endpoint_slice(const Place& object);
void check_ingress(const Place& object);
void check_http_route(const Place& object);

// The spec of a pod or of a pod template.
void check_pod_spec(const Place& spec);
// One of the pod's containers; `volumes` is the pod's list of them.
void check_container(const Place& container, const Place& volumes);
void check_init_container(const Place& container, const Place& volumes);

// A fieldRef's fieldPath that names a field which duet fills in.
void check_field_path(const Place& path);

// The annotations under duet.edge/ of an object of that kind.
void check_duet_annotations(const Place& annotations, AnnotatedKind on);
// duet.edge/handler, held against the spec of the pod that it is of.
void check_handler(const Place& annotations, const Place& spec);

// Notes the items of `list` whose `member` repeats an earlier one's: `<what> "x" is there twice`.
void check_unique(const Place& list, std::string_view member, std::string_view what);

}  // namespace duet::object
