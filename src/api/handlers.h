#pragma once

#include "api/exchange.h"

// What answers requests; router.cc has the table of which request goes where. Each function answers
// `exchange` exactly once.
namespace duet::api {

// Objects: exchange.path says which.
void handle_get(Exchange& exchange);
void handle_list(Exchange& exchange);  // a watch with ?watch=1
void handle_watch(Exchange& exchange);
void handle_create(Exchange& exchange);
void handle_replace(Exchange& exchange);
void handle_patch(Exchange& exchange);
void handle_delete(Exchange& exchange);

// Pods.
void handle_log(Exchange& exchange);
void handle_exec(Exchange& exchange);
void handle_attach(Exchange& exchange);

// What clients find out first.
void handle_version(Exchange& exchange);
void handle_health(Exchange& exchange);
void handle_metrics(Exchange& exchange);
void handle_api_versions(Exchange& exchange);
void handle_api_groups(Exchange& exchange);
void handle_resources(Exchange& exchange);

}  // namespace duet::api
