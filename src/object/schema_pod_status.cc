#include "object/schema_parts.h"

// clang-format off: a table, one field a line where there is more to say than its type.
namespace duet::object {
namespace {

constexpr Field kPodConditionFields[] = {
    text("type").required(), integer("observedGeneration"), text("status").required(),
    time_of("lastProbeTime"), time_of("lastTransitionTime"), text("reason"), text("message"),
};
constexpr Structure kPodCondition = {"PodCondition", kPodConditionFields};

constexpr Field kHostIPFields[] = {
    text("ip").required(),
};
constexpr Structure kHostIP = {"HostIP", kHostIPFields};

constexpr Field kPodIPFields[] = {
    text("ip").required(),
};
constexpr Structure kPodIP = {"PodIP", kPodIPFields};

constexpr Field kContainerStateWaitingFields[] = {
    text("reason"), text("message"),
};
constexpr Structure kContainerStateWaiting = {
    "ContainerStateWaiting", kContainerStateWaitingFields};

constexpr Field kContainerStateRunningFields[] = {
    time_of("startedAt"),
};
constexpr Structure kContainerStateRunning = {
    "ContainerStateRunning", kContainerStateRunningFields};

constexpr Field kContainerStateTerminatedFields[] = {
    integer("exitCode").required(), integer("signal"), text("reason"), text("message"),
    time_of("startedAt"), time_of("finishedAt"), text("containerID"),
};
constexpr Structure kContainerStateTerminated = {
    "ContainerStateTerminated", kContainerStateTerminatedFields};

constexpr Field kContainerStateFields[] = {
    object("waiting", kContainerStateWaiting), object("running", kContainerStateRunning),
    object("terminated", kContainerStateTerminated),
};
constexpr Structure kContainerState = {"ContainerState", kContainerStateFields};

constexpr Field kImageVolumeStatusFields[] = {
    text("imageRef"),
};
constexpr Structure kImageVolumeStatus = {"ImageVolumeStatus", kImageVolumeStatusFields};

constexpr Field kVolumeStatusFields[] = {
    object("image", kImageVolumeStatus),
};
constexpr Structure kVolumeStatus = {"VolumeStatus", kVolumeStatusFields};

constexpr Field kVolumeMountStatusFields[] = {
    text("name").required(), text("mountPath").required(), boolean("readOnly"),
    text("recursiveReadOnly"), object("volumeStatus", kVolumeStatus),
};
constexpr Structure kVolumeMountStatus = {"VolumeMountStatus", kVolumeMountStatusFields};

constexpr Field kLinuxContainerUserFields[] = {
    integer("uid").required(), integer("gid").required(), integers("supplementalGroups"),
};
constexpr Structure kLinuxContainerUser = {"LinuxContainerUser", kLinuxContainerUserFields};

constexpr Field kContainerUserFields[] = {
    object("linux", kLinuxContainerUser),
};
constexpr Structure kContainerUser = {"ContainerUser", kContainerUserFields};

constexpr Field kResourceHealthFields[] = {
    text("resourceID").required(), text("health"), text("message"),
};
constexpr Structure kResourceHealth = {"ResourceHealth", kResourceHealthFields};

constexpr Field kResourceStatusFields[] = {
    text("name").required(), objects("resources", kResourceHealth),
};
constexpr Structure kResourceStatus = {"ResourceStatus", kResourceStatusFields};

constexpr Field kContainerStatusFields[] = {
    text("name").required(), object("state", kContainerState), object("lastState", kContainerState),
    boolean("ready").required(), integer("restartCount").required(), text("image").required(),
    text("imageID").required(), text("containerID"), boolean("started"),
    quantity_map("allocatedResources"), object("resources", kResourceRequirements),
    objects("volumeMounts", kVolumeMountStatus), object("user", kContainerUser),
    objects("allocatedResourcesStatus", kResourceStatus), text("stopSignal"),
};
constexpr Structure kContainerStatus = {"ContainerStatus", kContainerStatusFields};

constexpr Field kPodResourceClaimStatusFields[] = {
    text("name").required(), text("resourceClaimName"),
};
constexpr Structure kPodResourceClaimStatus = {
    "PodResourceClaimStatus", kPodResourceClaimStatusFields};

constexpr Field kContainerExtendedResourceRequestFields[] = {
    text("containerName").required(), text("resourceName").required(),
    text("requestName").required(),
};
constexpr Structure kContainerExtendedResourceRequest = {
    "ContainerExtendedResourceRequest", kContainerExtendedResourceRequestFields};

constexpr Field kPodExtendedResourceClaimStatusFields[] = {
    objects("requestMappings", kContainerExtendedResourceRequest).required(),
    text("resourceClaimName").required(),
};
constexpr Structure kPodExtendedResourceClaimStatus = {
    "PodExtendedResourceClaimStatus", kPodExtendedResourceClaimStatusFields};

constexpr Field kNodeAllocatableResourceClaimStatusFields[] = {
    text("resourceClaimName").required(), texts("containers"), quantity_map("resources").required(),
};
constexpr Structure kNodeAllocatableResourceClaimStatus = {
    "NodeAllocatableResourceClaimStatus", kNodeAllocatableResourceClaimStatusFields};

constexpr Field kPodStatusFields[] = {
    integer("observedGeneration"), text("phase"), objects("conditions", kPodCondition),
    text("message"), text("reason"), text("nominatedNodeName"), text("hostIP"),
    objects("hostIPs", kHostIP), text("podIP"), objects("podIPs", kPodIP), time_of("startTime"),
    objects("initContainerStatuses", kContainerStatus),
    objects("containerStatuses", kContainerStatus), text("qosClass"),
    objects("ephemeralContainerStatuses", kContainerStatus), text("resize"),
    objects("resourceClaimStatuses", kPodResourceClaimStatus),
    object("extendedResourceClaimStatus", kPodExtendedResourceClaimStatus),
    quantity_map("allocatedResources"), object("resources", kResourceRequirements),
    objects("nodeAllocatableResourceClaimStatuses", kNodeAllocatableResourceClaimStatus),
};
}  // namespace
const Structure kPodStatus = {"PodStatus", kPodStatusFields};
}  // namespace duet::object
