#pragma once

#include <string>

#include "base/result.h"
#include "cluster/api_client.h"
#include "kubelet/user.h"

// Questions to the cluster's API server about who asks and what they may. Errors as of ApiClient.
namespace duet::kubelet {

// Whose the bearer token is (TokenReview of authentication.k8s.io/v1). kPermission: nobody's.
Result<User> review_token(cluster::ApiClient& api, const std::string& token);

// Whether `user` may do `verb` to `subresource` of the Node `node` (SubjectAccessReview of
// authorization.k8s.io/v1).
Result<bool> review_access(cluster::ApiClient& api, const User& user, const std::string& verb,
                           const std::string& node, const std::string& subresource);

}  // namespace duet::kubelet
