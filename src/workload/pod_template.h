#pragma once

#include <string>

#include "base/result.h"
#include "object/kinds.h"
#include "object/object.h"
#include "sys/randomness.h"

// Pods from templates. Pure but for the randomness, thread-safe.
namespace duet::workload {

// A short word for the template, the same for equal JSON whatever its order; kInvalid if it is not
// an object.
Result<std::string> template_hash(const std::string& template_json);

// A Pod of `deployment`, named <deployment>-<hash>-<random suffix>, with the hash as its label and
// the Deployment as its controller.
Result<object::Object> make_pod(const object::Deployment& deployment, const std::string& hash,
                                sys::Random& random);

// Another Pod like `pod`, which has the template that `hash` names.
Result<object::Object> copy_pod(const object::Deployment& deployment, const object::Object& pod,
                                const std::string& hash, sys::Random& random);

}  // namespace duet::workload
