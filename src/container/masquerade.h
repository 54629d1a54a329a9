#pragma once

#include "base/result.h"
#include "container/cni.h"

// Pods reach beyond their node under the node's own address. One rule stands for a whole network;
// the bridge plugin's ipMasq makes and removes a chain for each pod, at ten runs of iptables each.
namespace duet::container {

// Sees to it that the rule stands, in the network namespace of the calling thread. kUnavailable:
// iptables failed, in its own words.
Status masquerade(const BridgeNetwork& network);

// Takes the rule away; one that is not there is fine.
Status stop_masquerading(const BridgeNetwork& network);

}  // namespace duet::container
