#include "node/node_images.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "oci/reference.h"

namespace duet::node {
namespace {

// REGISTRY/REPOSITORY@DIGEST, by which the name means the same everywhere.
std::string name_by_digest(const std::string& name, const std::string& digest) {
  auto reference = oci::parse_reference(name);
  if (!reference.ok()) {
    return {};
  }
  reference->tag.clear();
  reference->digest = digest;
  return reference->name();
}

void add_name(cluster::NodeImage& image, std::string name) {
  const bool known = std::find(image.names.begin(), image.names.end(), name) != image.names.end();
  if (!name.empty() && !known && image.names.size() < kImageNameLimit) {
    image.names.push_back(std::move(name));
  }
}

}  // namespace

std::vector<cluster::NodeImage> to_node_images(const std::vector<oci::ImageSummary>& summaries) {
  std::map<std::string, cluster::NodeImage> by_digest;
  for (const oci::ImageSummary& summary : summaries) {
    if (!summary.problem.empty()) {
      continue;
    }
    cluster::NodeImage& image = by_digest[summary.target_digest];
    add_name(image, name_by_digest(summary.name, summary.target_digest));
    add_name(image, summary.name);
    image.size_bytes = summary.size_bytes;
  }
  std::vector<cluster::NodeImage> images;
  images.reserve(by_digest.size());
  for (auto& [digest, image] : by_digest) {
    images.push_back(std::move(image));
  }
  std::stable_sort(images.begin(), images.end(),
                   [](const auto& a, const auto& b) { return a.size_bytes > b.size_bytes; });
  images.resize(std::min(images.size(), kNodeImageLimit));
  return images;
}

std::function<std::vector<cluster::NodeImage>()> node_images(const oci::ContentStore& content) {
  return
      [&content, revision = std::string(), images = std::vector<cluster::NodeImage>()]() mutable {
        // Before the list is read: what changes meanwhile is seen with the next call.
        std::string current = content.revision();
        if (current != revision) {
          if (const auto list = content.list(); list.ok()) {
            images = to_node_images(*list);
            revision = std::move(current);
          }
        }
        return images;
      };
}

}  // namespace duet::node
