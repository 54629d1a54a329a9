#include "object/schema_parts.h"

// clang-format off: a table, one field a line where there is more to say than its type.
namespace duet::object {
namespace {

constexpr Field kServicePortFields[] = {
    text("name").is(Format::kDnsLabel),
    text("protocol").one_of("TCP UDP SCTP").only("TCP UDP"),
    text("appProtocol"),
    integer("port").required().is(Format::kPort),
    int_or_string("targetPort").is(Format::kPortOrName),
    integer("nodePort").unsupported("use an Ingress, an HTTPRoute or hostPort"),
};
constexpr Structure kServicePort = {"ServicePort", kServicePortFields};

constexpr Field kClientIPConfigFields[] = {
    integer("timeoutSeconds"),
};
constexpr Structure kClientIPConfig = {"ClientIPConfig", kClientIPConfigFields};

constexpr Field kSessionAffinityConfigFields[] = {
    object("clientIP", kClientIPConfig),
};
constexpr Structure kSessionAffinityConfig = {
    "SessionAffinityConfig", kSessionAffinityConfigFields};

constexpr Field kServiceSpecFields[] = {
    objects("ports", kServicePort),
    text_map("selector").keys(Format::kLabelKey).is(Format::kLabelValue),
    text("clusterIP"),
    texts("clusterIPs").ignored("a service has one address, clusterIP"),
    text("type").one_of("ClusterIP NodePort LoadBalancer ExternalName").only("ClusterIP"),
    texts("externalIPs").unsupported(),
    text("sessionAffinity").one_of("None ClientIP").only("None"),
    text("loadBalancerIP").unsupported(),
    texts("loadBalancerSourceRanges").unsupported(),
    text("externalName").unsupported(),
    text("externalTrafficPolicy").one_of("Cluster Local").ignored("both mean the same on one node"),
    integer("healthCheckNodePort").unsupported(),
    boolean("publishNotReadyAddresses").unsupported(),
    object("sessionAffinityConfig", kSessionAffinityConfig).unsupported(),
    texts("ipFamilies").one_of("IPv4 IPv6").only("IPv4"),
    text("ipFamilyPolicy").one_of("SingleStack PreferDualStack RequireDualStack")
        .only("SingleStack PreferDualStack"),
    boolean("allocateLoadBalancerNodePorts").ignored("there are no load balancers"),
    text("loadBalancerClass").unsupported(),
    text("internalTrafficPolicy").one_of("Cluster Local"),
    text("trafficDistribution").one_of("PreferClose PreferSameZone PreferSameNode")
        .says("zones are not told apart"),
};
constexpr Structure kServiceSpec = {"ServiceSpec", kServiceSpecFields};

constexpr Field kPortStatusFields[] = {
    integer("port").required(), text("protocol").required(), text("error"),
};
constexpr Structure kPortStatus = {"PortStatus", kPortStatusFields};

constexpr Field kLoadBalancerIngressFields[] = {
    text("ip"), text("hostname"), text("ipMode"), objects("ports", kPortStatus),
};
constexpr Structure kLoadBalancerIngress = {"LoadBalancerIngress", kLoadBalancerIngressFields};

constexpr Field kLoadBalancerStatusFields[] = {
    objects("ingress", kLoadBalancerIngress),
};
constexpr Structure kLoadBalancerStatus = {"LoadBalancerStatus", kLoadBalancerStatusFields};

constexpr Field kServiceStatusFields[] = {
    object("loadBalancer", kLoadBalancerStatus), objects("conditions", kCondition),
};
constexpr Structure kServiceStatus = {"ServiceStatus", kServiceStatusFields};

constexpr Field kServiceFields[] = {
    text("kind").required(),
    text("apiVersion").required(),
    object("metadata", kObjectMeta).required(),
    object("spec", kServiceSpec).required(),
    object("status", kServiceStatus).read_only(),
};
}  // namespace
const Structure kService = {"Service", kServiceFields};
namespace {

constexpr size_t kSliceEndpointLimit = 1'000;  // as Kubernetes bounds them
constexpr size_t kSliceAddressLimit = 100;

constexpr Field kEndpointConditionsFields[] = {
    boolean("ready"), boolean("serving"), boolean("terminating"),
};
constexpr Structure kEndpointConditions = {"EndpointConditions", kEndpointConditionsFields};

constexpr Field kForZoneFields[] = {
    text("name").required(),
};
constexpr Structure kForZone = {"ForZone", kForZoneFields};

constexpr Field kForNodeFields[] = {
    text("name").required(),
};
constexpr Structure kForNode = {"ForNode", kForNodeFields};

constexpr Field kEndpointHintsFields[] = {
    objects("forZones", kForZone), objects("forNodes", kForNode),
};
constexpr Structure kEndpointHints = {"EndpointHints", kEndpointHintsFields};

constexpr Field kEndpointFields[] = {
    texts("addresses").required().max_items(kSliceAddressLimit).says("the first is taken, as kube-proxy does"),
    object("conditions", kEndpointConditions),
    text("hostname").ignored("no names are made of endpoints"),
    object("targetRef", kObjectReference),
    text_map("deprecatedTopology").ignored("the API has replaced it"),
    text("nodeName").ignored("pods of this node are known by targetRef"),
    text("zone").ignored("zones are not told apart"),
    object("hints", kEndpointHints).ignored("zones are not told apart"),
};
constexpr Structure kEndpoint = {"Endpoint", kEndpointFields};

constexpr Field kEndpointPortFields[] = {
    text("name").is(Format::kDnsLabel),
    text("protocol").one_of("TCP UDP SCTP"),
    integer("port").is(Format::kPort),
    text("appProtocol").ignored("what the port of the service says counts"),
};
constexpr Structure kEndpointPort = {"EndpointPort", kEndpointPortFields};

constexpr Field kEndpointSliceFields[] = {
    text("kind").required(),
    text("apiVersion").required(),
    object("metadata", kObjectMeta).required(),
    text("addressType").required().one_of("IPv4 IPv6 FQDN").only("IPv4 IPv6"),
    objects("endpoints", kEndpoint).max_items(kSliceEndpointLimit),
    objects("ports", kEndpointPort),
};
}  // namespace
const Structure kEndpointSlice = {"EndpointSlice", kEndpointSliceFields};
namespace {

constexpr Field kServiceBackendPortFields[] = {
    text("name").is(Format::kPortName),
    integer("number").is(Format::kPort),
};
constexpr Structure kServiceBackendPort = {"ServiceBackendPort", kServiceBackendPortFields};

constexpr Field kIngressServiceBackendFields[] = {
    text("name").required().is(Format::kServiceName),
    object("port", kServiceBackendPort).required(),
};
constexpr Structure kIngressServiceBackend = {
    "IngressServiceBackend", kIngressServiceBackendFields};

constexpr Field kIngressBackendFields[] = {
    object("service", kIngressServiceBackend),
    object("resource", kTypedLocalObjectReference).unsupported("name a service"),
};
constexpr Structure kIngressBackend = {"IngressBackend", kIngressBackendFields};

constexpr Field kIngressTLSFields[] = {
    texts("hosts").is(Format::kHostname), text("secretName").is(Format::kDnsSubdomain),
};
constexpr Structure kIngressTLS = {"IngressTLS", kIngressTLSFields};

constexpr Field kHTTPIngressPathFields[] = {
    text("path"),
    text("pathType").required().one_of("Exact Prefix ImplementationSpecific"),
    object("backend", kIngressBackend).required(),
};
constexpr Structure kHTTPIngressPath = {"HTTPIngressPath", kHTTPIngressPathFields};

constexpr Field kHTTPIngressRuleValueFields[] = {
    objects("paths", kHTTPIngressPath).required(),
};
constexpr Structure kHTTPIngressRuleValue = {"HTTPIngressRuleValue", kHTTPIngressRuleValueFields};

constexpr Field kIngressRuleFields[] = {
    text("host").is(Format::kHostname),
    object("http", kHTTPIngressRuleValue),
};
constexpr Structure kIngressRule = {"IngressRule", kIngressRuleFields};

constexpr Field kIngressSpecFields[] = {
    text("ingressClassName").is(Format::kDnsSubdomain),
    object("defaultBackend", kIngressBackend),
    objects("tls", kIngressTLS),
    objects("rules", kIngressRule),
};
constexpr Structure kIngressSpec = {"IngressSpec", kIngressSpecFields};

constexpr Field kIngressPortStatusFields[] = {
    integer("port").required(), text("protocol").required(), text("error"),
};
constexpr Structure kIngressPortStatus = {"IngressPortStatus", kIngressPortStatusFields};

constexpr Field kIngressLoadBalancerIngressFields[] = {
    text("ip"), text("hostname"), objects("ports", kIngressPortStatus),
};
constexpr Structure kIngressLoadBalancerIngress = {
    "IngressLoadBalancerIngress", kIngressLoadBalancerIngressFields};

constexpr Field kIngressLoadBalancerStatusFields[] = {
    objects("ingress", kIngressLoadBalancerIngress),
};
constexpr Structure kIngressLoadBalancerStatus = {
    "IngressLoadBalancerStatus", kIngressLoadBalancerStatusFields};

constexpr Field kIngressStatusFields[] = {
    object("loadBalancer", kIngressLoadBalancerStatus),
};
constexpr Structure kIngressStatus = {"IngressStatus", kIngressStatusFields};

constexpr Field kIngressFields[] = {
    text("kind").required(),
    text("apiVersion").required(),
    object("metadata", kObjectMeta).required(),
    object("spec", kIngressSpec).required(),
    object("status", kIngressStatus).read_only(),
};
}  // namespace
const Structure kIngress = {"Ingress", kIngressFields};
}  // namespace duet::object
