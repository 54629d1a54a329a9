#pragma once

#include <string>

#include "base/result.h"
#include "cli/invocation.h"
#include "oci/content_store.h"
#include "oci/image.h"
#include "oci/puller.h"

namespace duet::cli {

// The content store that the invocation's flags mean, made if it is not there.
Result<oci::ContentStore> open_images(const Invocation& invocation);

// Pull options from the flags --plain-http, --auth-file and --ca-file.
oci::PullOptions pull_options(const Invocation& invocation);

// Pulls with a progress bar on a terminal and lines elsewhere, on stderr.
Result<oci::Image> pull_with_progress(oci::ContentStore& store, const std::string& reference,
                                      const oci::PullOptions& options);

// The image of that name, pulled when it is not there.
Result<oci::Image> resolve_or_pull(oci::ContentStore& store, const std::string& reference,
                                   const oci::PullOptions& options);

// "12.3 MB", in decimal units as registries count.
std::string human_size(int64_t bytes);

// "error: ..." as verbs print it.
Error command_error(const Error& error);

}  // namespace duet::cli
