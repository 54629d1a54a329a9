#include "object/schema_parts.h"

// clang-format off: a table, one field a line where there is more to say than its type.
namespace duet::object {
namespace {

constexpr Field kSysctlFields[] = {
    text("name").required(), text("value").required(),
};
constexpr Structure kSysctl = {"Sysctl", kSysctlFields};

constexpr Field kPodSecurityContextFields[] = {
    object("seLinuxOptions", kSELinuxOptions).unsupported(),
    object("windowsOptions", kWindowsSecurityContextOptions).ignored("it is for Windows"),
    integer("runAsUser").between(0, 2147483647),
    integer("runAsGroup").between(0, 2147483647),
    boolean("runAsNonRoot"),
    integers("supplementalGroups").between(0, 2147483647),
    text("supplementalGroupsPolicy").one_of("Merge Strict").only("Merge"),
    integer("fsGroup").between(0, 2147483647),
    objects("sysctls", kSysctl).unsupported(),
    text("fsGroupChangePolicy").one_of("OnRootMismatch Always")
        .ignored("owners are changed where they differ"),
    object("seccompProfile", kSeccompProfile),
    object("appArmorProfile", kAppArmorProfile).unsupported(),
    text("seLinuxChangePolicy").ignored("SELinux labels are not changed"),
};
constexpr Structure kPodSecurityContext = {"PodSecurityContext", kPodSecurityContextFields};

constexpr Field kNodeSelectorRequirementFields[] = {
    text("key").required(), text("operator").required(), texts("values"),
};
constexpr Structure kNodeSelectorRequirement = {
    "NodeSelectorRequirement", kNodeSelectorRequirementFields};

constexpr Field kNodeSelectorTermFields[] = {
    objects("matchExpressions", kNodeSelectorRequirement),
    objects("matchFields", kNodeSelectorRequirement),
};
constexpr Structure kNodeSelectorTerm = {"NodeSelectorTerm", kNodeSelectorTermFields};

constexpr Field kNodeSelectorFields[] = {
    objects("nodeSelectorTerms", kNodeSelectorTerm).required(),
};
constexpr Structure kNodeSelector = {"NodeSelector", kNodeSelectorFields};

constexpr Field kPreferredSchedulingTermFields[] = {
    integer("weight").required(), object("preference", kNodeSelectorTerm).required(),
};
constexpr Structure kPreferredSchedulingTerm = {
    "PreferredSchedulingTerm", kPreferredSchedulingTermFields};

constexpr Field kNodeAffinityFields[] = {
    object("requiredDuringSchedulingIgnoredDuringExecution", kNodeSelector)
        .unsupported("use nodeSelector"),
    objects("preferredDuringSchedulingIgnoredDuringExecution", kPreferredSchedulingTerm)
        .ignored("there is one node to choose"),
};
constexpr Structure kNodeAffinity = {"NodeAffinity", kNodeAffinityFields};

constexpr Field kPodAffinityTermFields[] = {
    object("labelSelector", kLabelSelector), texts("namespaces"), text("topologyKey").required(),
    object("namespaceSelector", kLabelSelector), texts("matchLabelKeys"),
    texts("mismatchLabelKeys"),
};
constexpr Structure kPodAffinityTerm = {"PodAffinityTerm", kPodAffinityTermFields};

constexpr Field kWeightedPodAffinityTermFields[] = {
    integer("weight").required(), object("podAffinityTerm", kPodAffinityTerm).required(),
};
constexpr Structure kWeightedPodAffinityTerm = {
    "WeightedPodAffinityTerm", kWeightedPodAffinityTermFields};

constexpr Field kPodAffinityFields[] = {
    objects("requiredDuringSchedulingIgnoredDuringExecution", kPodAffinityTerm).unsupported(),
    objects("preferredDuringSchedulingIgnoredDuringExecution", kWeightedPodAffinityTerm)
        .ignored("there is one node to choose"),
};
constexpr Structure kPodAffinity = {"PodAffinity", kPodAffinityFields};

constexpr Field kPodAntiAffinityFields[] = {
    objects("requiredDuringSchedulingIgnoredDuringExecution", kPodAffinityTerm).unsupported(),
    objects("preferredDuringSchedulingIgnoredDuringExecution", kWeightedPodAffinityTerm)
        .ignored("there is one node to choose"),
};
constexpr Structure kPodAntiAffinity = {"PodAntiAffinity", kPodAntiAffinityFields};

constexpr Field kAffinityFields[] = {
    object("nodeAffinity", kNodeAffinity), object("podAffinity", kPodAffinity),
    object("podAntiAffinity", kPodAntiAffinity),
};
constexpr Structure kAffinity = {"Affinity", kAffinityFields};

constexpr Field kTolerationFields[] = {
    text("key").is(Format::kLabelKey),
    text("operator").one_of("Exists Equal Lt Gt").only("Exists Equal"),
    text("value").is(Format::kLabelValue),
    text("effect").one_of("NoSchedule PreferNoSchedule NoExecute"),
    integer("tolerationSeconds").ignored("no pod is evicted"),
};
constexpr Structure kToleration = {"Toleration", kTolerationFields};

constexpr Field kHostAliasFields[] = {
    text("ip").required(), texts("hostnames"),
};
constexpr Structure kHostAlias = {"HostAlias", kHostAliasFields};

constexpr Field kPodDNSConfigOptionFields[] = {
    text("name"), text("value"),
};
constexpr Structure kPodDNSConfigOption = {"PodDNSConfigOption", kPodDNSConfigOptionFields};

constexpr Field kPodDNSConfigFields[] = {
    texts("nameservers"), texts("searches"), objects("options", kPodDNSConfigOption),
};
constexpr Structure kPodDNSConfig = {"PodDNSConfig", kPodDNSConfigFields};

constexpr Field kPodReadinessGateFields[] = {
    text("conditionType").required(),
};
constexpr Structure kPodReadinessGate = {"PodReadinessGate", kPodReadinessGateFields};

constexpr Field kTopologySpreadConstraintFields[] = {
    integer("maxSkew").required(),
    text("topologyKey").required(),
    text("whenUnsatisfiable").required().one_of("DoNotSchedule ScheduleAnyway"),
    object("labelSelector", kLabelSelector),
    integer("minDomains"),
    text("nodeAffinityPolicy"),
    text("nodeTaintsPolicy"),
    texts("matchLabelKeys"),
};
constexpr Structure kTopologySpreadConstraint = {
    "TopologySpreadConstraint", kTopologySpreadConstraintFields};

constexpr Field kPodOSFields[] = {
    text("name").required().one_of("linux windows").only("linux"),
};
constexpr Structure kPodOS = {"PodOS", kPodOSFields};

constexpr Field kPodSchedulingGateFields[] = {
    text("name").required(),
};
constexpr Structure kPodSchedulingGate = {"PodSchedulingGate", kPodSchedulingGateFields};

constexpr Field kPodResourceClaimFields[] = {
    text("name").required(), text("resourceClaimName"), text("resourceClaimTemplateName"),
};
constexpr Structure kPodResourceClaim = {"PodResourceClaim", kPodResourceClaimFields};

constexpr Field kPodSchedulingGroupFields[] = {
    text("podGroupName"),
};
constexpr Structure kPodSchedulingGroup = {"PodSchedulingGroup", kPodSchedulingGroupFields};

constexpr Field kPodSpecFields[] = {
    objects("volumes", kVolume),
    objects("initContainers", kContainer),
    objects("containers", kContainer).required(),
    objects("ephemeralContainers", kEphemeralContainer)
        .unsupported("Kubernetes takes them only for running pods"),
    text("restartPolicy").one_of("Always OnFailure Never"),
    integer("terminationGracePeriodSeconds").at_least(0),
    integer("activeDeadlineSeconds").between(1, 2147483647),
    text("dnsPolicy").one_of("ClusterFirst ClusterFirstWithHostNet Default None")
        .only("ClusterFirst ClusterFirstWithHostNet Default"),
    text_map("nodeSelector").keys(Format::kLabelKey).is(Format::kLabelValue),
    text("serviceAccountName").ignored("pods get no credentials of the API").only("default"),
    text("serviceAccount").ignored("pods get no credentials of the API").only("default"),
    boolean("automountServiceAccountToken").ignored("pods get no credentials of the API")
        .only("false"),
    text("nodeName").is(Format::kDnsSubdomain),
    boolean("hostNetwork"),
    boolean("hostPID").unsupported(),
    boolean("hostIPC").unsupported(),
    boolean("shareProcessNamespace").unsupported(),
    object("securityContext", kPodSecurityContext),
    objects("imagePullSecrets", kLocalObjectReference)
        .ignored("images are pulled with the node's own credentials"),
    text("hostname").is(Format::kDnsLabel),
    text("subdomain").unsupported(),
    object("affinity", kAffinity),
    text("schedulerName").ignored("there is one node and nothing to schedule")
        .only("default-scheduler"),
    objects("tolerations", kToleration),
    objects("hostAliases", kHostAlias).unsupported(),
    text("priorityClassName").ignored("nothing is preempted on one node"),
    integer("priority").ignored("nothing is preempted on one node").only("0"),
    object("dnsConfig", kPodDNSConfig).unsupported("pods have the node's resolver"),
    objects("readinessGates", kPodReadinessGate).unsupported(),
    text("runtimeClassName").is(Format::kDnsSubdomain),
    boolean("enableServiceLinks"),
    text("preemptionPolicy").one_of("PreemptLowerPriority Never")
        .ignored("nothing is preempted on one node").only("PreemptLowerPriority"),
    quantity_map("overhead").ignored("there is one node and nothing to schedule"),
    objects("topologySpreadConstraints", kTopologySpreadConstraint)
        .ignored("one node is one topology domain"),
    boolean("setHostnameAsFQDN").unsupported(),
    object("os", kPodOS),
    boolean("hostUsers").only("true"),
    objects("schedulingGates", kPodSchedulingGate).unsupported("apply the pod when it may start"),
    objects("resourceClaims", kPodResourceClaim).unsupported(),
    object("resources", kResourceRequirements).unsupported("set them for the containers"),
    text("hostnameOverride").unsupported("use hostname"),
    object("schedulingGroup", kPodSchedulingGroup).unsupported(),
};
}  // namespace
const Structure kPodSpec = {"PodSpec", kPodSpecFields};
namespace {

constexpr Field kPodFields[] = {
    text("kind").required(),
    text("apiVersion").required(),
    object("metadata", kObjectMeta).required(),
    object("spec", kPodSpec).required(),
    object("status", kPodStatus).read_only(),
};
}  // namespace
const Structure kPod = {"Pod", kPodFields};
}  // namespace duet::object
