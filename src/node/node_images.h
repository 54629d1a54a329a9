#pragma once

#include <functional>
#include <vector>

#include "cluster/node_object.h"
#include "oci/content_store.h"

namespace duet::node {

// As many as a kubelet tells of, and names of each: the Node's status stays small.
inline constexpr std::size_t kNodeImageLimit = 50;
inline constexpr std::size_t kImageNameLimit = 5;

// The images for a Node's status, largest first. Names of one image stand together. Pure,
// thread-safe.
std::vector<cluster::NodeImage> to_node_images(const std::vector<oci::ImageSummary>& summaries);

// Says what is in `content`, which must outlive it; reads it only when it changed. One that cannot
// be read has what it had. For one thread at a time.
std::function<std::vector<cluster::NodeImage>()> node_images(const oci::ContentStore& content);

}  // namespace duet::node
