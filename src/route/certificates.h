#pragma once

#include "route/table_builder.h"

namespace duet::route {

// Adds to the table the certificates that Ingresses name in spec.tls: hosts and a Secret of type
// kubernetes.io/tls in the Ingress's namespace. Without hosts the certificate's own names count.
// The older Ingress wins a host that two name. Problems, about the Ingress:
//   CertificateNotFound    there is no such Secret, or it is of another type; the entry is left out
//   InvalidCertificate     not PEM, a key that does not fit, too weak; the entry is left out
//   CertificateExpired     over, or not begun by this node's clock; shown all the same, because a
//                          clock may be wrong, and the client is the one to judge
//   CertificateMismatch    does not have a host's name; shown all the same
void add_certificates(const SiteObjects& site, BuiltTable& built);

}  // namespace duet::route
