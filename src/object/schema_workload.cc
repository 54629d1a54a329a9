#include "object/schema_parts.h"

// clang-format off: a table, one field a line where there is more to say than its type.
namespace duet::object {
namespace {

constexpr Field kPodTemplateSpecFields[] = {
    object("metadata", kObjectMeta), object("spec", kPodSpec).required(),
};
constexpr Structure kPodTemplateSpec = {"PodTemplateSpec", kPodTemplateSpecFields};

constexpr Field kRollingUpdateDeploymentFields[] = {
    int_or_string("maxUnavailable").is(Format::kCountOrPercent),
    int_or_string("maxSurge").is(Format::kCountOrPercent),
};
constexpr Structure kRollingUpdateDeployment = {
    "RollingUpdateDeployment", kRollingUpdateDeploymentFields};

constexpr Field kDeploymentStrategyFields[] = {
    text("type").one_of("RollingUpdate Recreate"),
    object("rollingUpdate", kRollingUpdateDeployment),
};
constexpr Structure kDeploymentStrategy = {"DeploymentStrategy", kDeploymentStrategyFields};

constexpr Field kDeploymentSpecFields[] = {
    integer("replicas").between(0, 100000),
    object("selector", kLabelSelector).required(),
    object("template", kPodTemplateSpec).required(),
    object("strategy", kDeploymentStrategy),
    integer("minReadySeconds").at_least(0),
    integer("revisionHistoryLimit").ignored("old templates are not kept"),
    boolean("paused"),
    integer("progressDeadlineSeconds").at_least(0),
};
constexpr Structure kDeploymentSpec = {"DeploymentSpec", kDeploymentSpecFields};

constexpr Field kDeploymentConditionFields[] = {
    text("type").required(), text("status").required(), time_of("lastUpdateTime"),
    time_of("lastTransitionTime"), text("reason"), text("message"),
};
constexpr Structure kDeploymentCondition = {"DeploymentCondition", kDeploymentConditionFields};

constexpr Field kDeploymentStatusFields[] = {
    integer("observedGeneration"), integer("replicas"), integer("updatedReplicas"),
    integer("readyReplicas"), integer("availableReplicas"), integer("unavailableReplicas"),
    integer("terminatingReplicas"), objects("conditions", kDeploymentCondition),
    integer("collisionCount"),
};
constexpr Structure kDeploymentStatus = {"DeploymentStatus", kDeploymentStatusFields};

constexpr Field kDeploymentFields[] = {
    text("kind").required(),
    text("apiVersion").required(),
    object("metadata", kObjectMeta).required(),
    object("spec", kDeploymentSpec).required(),
    object("status", kDeploymentStatus).read_only(),
};
}  // namespace
const Structure kDeployment = {"Deployment", kDeploymentFields};
}  // namespace duet::object
