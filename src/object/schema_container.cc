#include "object/schema_parts.h"

// clang-format off: a table, one field a line where there is more to say than its type.
namespace duet::object {
namespace {

constexpr Field kContainerPortFields[] = {
    text("name").is(Format::kPortName),
    integer("hostPort").is(Format::kPort),
    integer("containerPort").required().is(Format::kPort),
    text("protocol").one_of("TCP UDP SCTP").only("TCP UDP"),
    text("hostIP").unsupported("ports are published on every address").only("0.0.0.0"),
};
constexpr Structure kContainerPort = {"ContainerPort", kContainerPortFields};

constexpr Field kConfigMapEnvSourceFields[] = {
    text("name").required().is(Format::kDnsSubdomain),
    boolean("optional"),
};
constexpr Structure kConfigMapEnvSource = {"ConfigMapEnvSource", kConfigMapEnvSourceFields};

constexpr Field kSecretEnvSourceFields[] = {
    text("name").required().is(Format::kDnsSubdomain),
    boolean("optional"),
};
constexpr Structure kSecretEnvSource = {"SecretEnvSource", kSecretEnvSourceFields};

constexpr Field kEnvFromSourceFields[] = {
    text("prefix").is(Format::kEnvName),
    object("configMapRef", kConfigMapEnvSource),
    object("secretRef", kSecretEnvSource),
};
constexpr Structure kEnvFromSource = {"EnvFromSource", kEnvFromSourceFields};

constexpr Field kConfigMapKeySelectorFields[] = {
    text("name").required().is(Format::kDnsSubdomain),
    text("key").required().is(Format::kConfigKey),
    boolean("optional"),
};
constexpr Structure kConfigMapKeySelector = {"ConfigMapKeySelector", kConfigMapKeySelectorFields};

constexpr Field kSecretKeySelectorFields[] = {
    text("name").required().is(Format::kDnsSubdomain),
    text("key").required().is(Format::kConfigKey),
    boolean("optional"),
};
constexpr Structure kSecretKeySelector = {"SecretKeySelector", kSecretKeySelectorFields};

constexpr Field kFileKeySelectorFields[] = {
    text("volumeName").required(), text("path").required(), text("key").required(),
    boolean("optional"),
};
constexpr Structure kFileKeySelector = {"FileKeySelector", kFileKeySelectorFields};

constexpr Field kEnvVarSourceFields[] = {
    object("fieldRef", kObjectFieldSelector),
    object("resourceFieldRef", kResourceFieldSelector).unsupported(),
    object("configMapKeyRef", kConfigMapKeySelector),
    object("secretKeyRef", kSecretKeySelector),
    object("fileKeyRef", kFileKeySelector).unsupported(),
};
constexpr Structure kEnvVarSource = {"EnvVarSource", kEnvVarSourceFields};

constexpr Field kEnvVarFields[] = {
    text("name").required().is(Format::kEnvName),
    text("value"),
    object("valueFrom", kEnvVarSource),
};
constexpr Structure kEnvVar = {"EnvVar", kEnvVarFields};

constexpr Field kResourceClaimFields[] = {
    text("name").required(), text("request"),
};
constexpr Structure kResourceClaim = {"ResourceClaim", kResourceClaimFields};

constexpr Field kResourceRequirementsFields[] = {
    quantity_map("limits"),
    quantity_map("requests"),
    objects("claims", kResourceClaim).unsupported(),
};
}  // namespace
const Structure kResourceRequirements = {"ResourceRequirements", kResourceRequirementsFields};
namespace {

constexpr Field kContainerResizePolicyFields[] = {
    text("resourceName").required(), text("restartPolicy").required(),
};
constexpr Structure kContainerResizePolicy = {
    "ContainerResizePolicy", kContainerResizePolicyFields};

constexpr Field kContainerRestartRuleOnExitCodesFields[] = {
    text("operator"), integers("values"),
};
constexpr Structure kContainerRestartRuleOnExitCodes = {
    "ContainerRestartRuleOnExitCodes", kContainerRestartRuleOnExitCodesFields};

constexpr Field kContainerRestartRuleFields[] = {
    text("action"), object("exitCodes", kContainerRestartRuleOnExitCodes),
};
constexpr Structure kContainerRestartRule = {"ContainerRestartRule", kContainerRestartRuleFields};

constexpr Field kVolumeMountFields[] = {
    text("name").required().is(Format::kDnsLabel),
    boolean("readOnly"),
    text("recursiveReadOnly").one_of("Disabled IfPossible Enabled").only("Disabled"),
    text("mountPath").required().is(Format::kAbsolutePath),
    text("subPath").is(Format::kRelativePath),
    text("mountPropagation").one_of("None HostToContainer Bidirectional").only("None"),
    text("subPathExpr").unsupported("use subPath"),
};
constexpr Structure kVolumeMount = {"VolumeMount", kVolumeMountFields};

constexpr Field kVolumeDeviceFields[] = {
    text("name").required(), text("devicePath").required(),
};
constexpr Structure kVolumeDevice = {"VolumeDevice", kVolumeDeviceFields};

constexpr Field kExecActionFields[] = {
    texts("command").required(),
};
constexpr Structure kExecAction = {"ExecAction", kExecActionFields};

constexpr Field kHTTPHeaderFields[] = {
    text("name").required().is(Format::kHeaderName),
    text("value").required(),
};
constexpr Structure kHTTPHeader = {"HTTPHeader", kHTTPHeaderFields};

constexpr Field kHTTPGetActionFields[] = {
    text("path").is(Format::kAbsolutePath),
    int_or_string("port").required().is(Format::kPortOrName),
    text("host"),
    text("scheme").one_of("HTTP HTTPS").only("HTTP").says("use tcpSocket or exec for TLS"),
    objects("httpHeaders", kHTTPHeader),
};
constexpr Structure kHTTPGetAction = {"HTTPGetAction", kHTTPGetActionFields};

constexpr Field kTCPSocketActionFields[] = {
    int_or_string("port").required().is(Format::kPortOrName),
    text("host").unsupported("the pod itself is probed"),
};
constexpr Structure kTCPSocketAction = {"TCPSocketAction", kTCPSocketActionFields};

constexpr Field kGRPCActionFields[] = {
    integer("port").required(), text("service"),
};
constexpr Structure kGRPCAction = {"GRPCAction", kGRPCActionFields};

constexpr Field kProbeFields[] = {
    object("exec", kExecAction),
    object("httpGet", kHTTPGetAction),
    object("tcpSocket", kTCPSocketAction),
    object("grpc", kGRPCAction).unsupported("use httpGet, tcpSocket or exec"),
    integer("initialDelaySeconds").at_least(0),
    integer("timeoutSeconds").at_least(0),
    integer("periodSeconds").at_least(0),
    integer("successThreshold").at_least(0),
    integer("failureThreshold").at_least(0),
    integer("terminationGracePeriodSeconds").unsupported("set it for the pod"),
};
constexpr Structure kProbe = {"Probe", kProbeFields};

constexpr Field kSleepActionFields[] = {
    integer("seconds").required(),
};
constexpr Structure kSleepAction = {"SleepAction", kSleepActionFields};

constexpr Field kLifecycleHandlerFields[] = {
    object("exec", kExecAction),
    object("httpGet", kHTTPGetAction),
    object("tcpSocket", kTCPSocketAction).unsupported("use exec or httpGet"),
    object("sleep", kSleepAction).unsupported("use exec"),
};
constexpr Structure kLifecycleHandler = {"LifecycleHandler", kLifecycleHandlerFields};

constexpr Field kLifecycleFields[] = {
    object("postStart", kLifecycleHandler),
    object("preStop", kLifecycleHandler),
    text("stopSignal").unsupported(),
};
constexpr Structure kLifecycle = {"Lifecycle", kLifecycleFields};

constexpr Field kCapabilitiesFields[] = {
    texts("add"), texts("drop"),
};
constexpr Structure kCapabilities = {"Capabilities", kCapabilitiesFields};

constexpr Field kSELinuxOptionsFields[] = {
    text("user"), text("role"), text("type"), text("level"),
};
}  // namespace
const Structure kSELinuxOptions = {"SELinuxOptions", kSELinuxOptionsFields};
namespace {

constexpr Field kWindowsSecurityContextOptionsFields[] = {
    text("gmsaCredentialSpecName"), text("gmsaCredentialSpec"), text("runAsUserName"),
    boolean("hostProcess"),
};
}  // namespace
const Structure kWindowsSecurityContextOptions = {
    "WindowsSecurityContextOptions", kWindowsSecurityContextOptionsFields};
namespace {

constexpr Field kSeccompProfileFields[] = {
    text("type").required().one_of("RuntimeDefault Unconfined Localhost")
        .only("RuntimeDefault Unconfined"),
    text("localhostProfile").unsupported("use RuntimeDefault"),
};
}  // namespace
const Structure kSeccompProfile = {"SeccompProfile", kSeccompProfileFields};
namespace {

constexpr Field kAppArmorProfileFields[] = {
    text("type").required().one_of("RuntimeDefault Unconfined Localhost"),
    text("localhostProfile"),
};
}  // namespace
const Structure kAppArmorProfile = {"AppArmorProfile", kAppArmorProfileFields};
namespace {

constexpr Field kSecurityContextFields[] = {
    object("capabilities", kCapabilities),
    boolean("privileged"),
    object("seLinuxOptions", kSELinuxOptions).unsupported(),
    object("windowsOptions", kWindowsSecurityContextOptions).ignored("it is for Windows"),
    integer("runAsUser").between(0, 2147483647),
    integer("runAsGroup").between(0, 2147483647),
    boolean("runAsNonRoot"),
    boolean("readOnlyRootFilesystem"),
    boolean("allowPrivilegeEscalation"),
    text("procMount").one_of("Default Unmasked").only("Default"),
    object("seccompProfile", kSeccompProfile),
    object("appArmorProfile", kAppArmorProfile).unsupported(),
};
constexpr Structure kSecurityContext = {"SecurityContext", kSecurityContextFields};

constexpr Field kContainerFields[] = {
    text("name").required().is(Format::kDnsLabel),
    text("image").required().is(Format::kNonEmpty),
    texts("command"),
    texts("args"),
    text("workingDir"),
    objects("ports", kContainerPort),
    objects("envFrom", kEnvFromSource),
    objects("env", kEnvVar),
    object("resources", kResourceRequirements),
    objects("resizePolicy", kContainerResizePolicy)
        .ignored("a change of resources makes a new container"),
    text("restartPolicy").unsupported("only the pod has one"),
    objects("restartPolicyRules", kContainerRestartRule).unsupported(),
    objects("volumeMounts", kVolumeMount),
    objects("volumeDevices", kVolumeDevice).unsupported("use a hostPath volume"),
    object("livenessProbe", kProbe),
    object("readinessProbe", kProbe),
    object("startupProbe", kProbe),
    object("lifecycle", kLifecycle),
    text("terminationMessagePath").ignored("no termination message is read")
        .only("/dev/termination-log"),
    text("terminationMessagePolicy").one_of("File FallbackToLogsOnError")
        .ignored("no termination message is read").only("File"),
    text("imagePullPolicy").one_of("Always IfNotPresent Never"),
    object("securityContext", kSecurityContext),
    boolean("stdin"),
    boolean("stdinOnce").unsupported("leave it out"),
    boolean("tty"),
};
}  // namespace
const Structure kContainer = {"Container", kContainerFields};
namespace {

constexpr Field kEphemeralContainerFields[] = {
    text("name").required().is(Format::kDnsLabel),
    text("image").required().is(Format::kNonEmpty),
    texts("command"),
    texts("args"),
    text("workingDir"),
    objects("ports", kContainerPort),
    objects("envFrom", kEnvFromSource),
    objects("env", kEnvVar),
    object("resources", kResourceRequirements),
    objects("resizePolicy", kContainerResizePolicy)
        .ignored("a change of resources makes a new container"),
    text("restartPolicy").unsupported("only the pod has one"),
    objects("restartPolicyRules", kContainerRestartRule).unsupported(),
    objects("volumeMounts", kVolumeMount),
    objects("volumeDevices", kVolumeDevice).unsupported("use a hostPath volume"),
    object("livenessProbe", kProbe),
    object("readinessProbe", kProbe),
    object("startupProbe", kProbe),
    object("lifecycle", kLifecycle),
    text("terminationMessagePath").ignored("no termination message is read")
        .only("/dev/termination-log"),
    text("terminationMessagePolicy").one_of("File FallbackToLogsOnError")
        .ignored("no termination message is read").only("File"),
    text("imagePullPolicy").one_of("Always IfNotPresent Never"),
    object("securityContext", kSecurityContext),
    boolean("stdin"),
    boolean("stdinOnce").unsupported("leave it out"),
    boolean("tty"),
    text("targetContainerName"),
};
}  // namespace
const Structure kEphemeralContainer = {"EphemeralContainer", kEphemeralContainerFields};
}  // namespace duet::object
