#pragma once

#include <functional>

#include "oci/helper_protocol.h"

namespace duet::oci {

// Says an event to the parent.
using EventSink = std::function<void(const HelperEvent&)>;

// The verb "fetch" of duet-pull: brings the image into the layout folder open as `folder`, leaving
// out blobs that the folder open as `present` has (-1: none). Returns the target that the name has.
Result<Descriptor> fetch(const FetchRequest& request, int folder, int present,
                         const EventSink& say);

}  // namespace duet::oci
