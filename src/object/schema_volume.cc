#include "object/schema_parts.h"

// clang-format off: a table, one field a line where there is more to say than its type.
namespace duet::object {
namespace {

constexpr Field kHostPathVolumeSourceFields[] = {
    text("path").required().is(Format::kAbsolutePath),
    text("type")
        .one_of("DirectoryOrCreate Directory FileOrCreate File Socket CharDevice BlockDevice"),
};
constexpr Structure kHostPathVolumeSource = {"HostPathVolumeSource", kHostPathVolumeSourceFields};

constexpr Field kEmptyDirVolumeSourceFields[] = {
    text("medium").one_of("Memory HugePages HugePages-2Mi HugePages-1Gi").only("Memory"),
    quantity("sizeLimit").at_least(0).says("held with the medium Memory only"),
};
constexpr Structure kEmptyDirVolumeSource = {"EmptyDirVolumeSource", kEmptyDirVolumeSourceFields};

constexpr Field kGCEPersistentDiskVolumeSourceFields[] = {
    text("pdName").required(), text("fsType"), integer("partition"), boolean("readOnly"),
};
constexpr Structure kGCEPersistentDiskVolumeSource = {
    "GCEPersistentDiskVolumeSource", kGCEPersistentDiskVolumeSourceFields};

constexpr Field kAWSElasticBlockStoreVolumeSourceFields[] = {
    text("volumeID").required(), text("fsType"), integer("partition"), boolean("readOnly"),
};
constexpr Structure kAWSElasticBlockStoreVolumeSource = {
    "AWSElasticBlockStoreVolumeSource", kAWSElasticBlockStoreVolumeSourceFields};

constexpr Field kGitRepoVolumeSourceFields[] = {
    text("repository").required(), text("revision"), text("directory"),
};
constexpr Structure kGitRepoVolumeSource = {"GitRepoVolumeSource", kGitRepoVolumeSourceFields};

constexpr Field kKeyToPathFields[] = {
    text("key").required().is(Format::kConfigKey),
    text("path").required().is(Format::kRelativePath),
    integer("mode").between(0, 0777),
};
constexpr Structure kKeyToPath = {"KeyToPath", kKeyToPathFields};

constexpr Field kSecretVolumeSourceFields[] = {
    text("secretName").required().is(Format::kDnsSubdomain),
    objects("items", kKeyToPath),
    integer("defaultMode").between(0, 0777),
    boolean("optional"),
};
constexpr Structure kSecretVolumeSource = {"SecretVolumeSource", kSecretVolumeSourceFields};

constexpr Field kNFSVolumeSourceFields[] = {
    text("server").required(), text("path").required(), boolean("readOnly"),
};
constexpr Structure kNFSVolumeSource = {"NFSVolumeSource", kNFSVolumeSourceFields};

constexpr Field kISCSIVolumeSourceFields[] = {
    text("targetPortal").required(), text("iqn").required(), integer("lun").required(),
    text("iscsiInterface"), text("fsType"), boolean("readOnly"), texts("portals"),
    boolean("chapAuthDiscovery"), boolean("chapAuthSession"),
    object("secretRef", kLocalObjectReference), text("initiatorName"),
};
constexpr Structure kISCSIVolumeSource = {"ISCSIVolumeSource", kISCSIVolumeSourceFields};

constexpr Field kGlusterfsVolumeSourceFields[] = {
    text("endpoints").required(), text("path").required(), boolean("readOnly"),
};
constexpr Structure kGlusterfsVolumeSource = {
    "GlusterfsVolumeSource", kGlusterfsVolumeSourceFields};

constexpr Field kPersistentVolumeClaimVolumeSourceFields[] = {
    text("claimName").required(), boolean("readOnly"),
};
constexpr Structure kPersistentVolumeClaimVolumeSource = {
    "PersistentVolumeClaimVolumeSource", kPersistentVolumeClaimVolumeSourceFields};

constexpr Field kRBDVolumeSourceFields[] = {
    texts("monitors").required(), text("image").required(), text("fsType"), text("pool"),
    text("user"), text("keyring"), object("secretRef", kLocalObjectReference), boolean("readOnly"),
};
constexpr Structure kRBDVolumeSource = {"RBDVolumeSource", kRBDVolumeSourceFields};

constexpr Field kFlexVolumeSourceFields[] = {
    text("driver").required(), text("fsType"), object("secretRef", kLocalObjectReference),
    boolean("readOnly"), text_map("options"),
};
constexpr Structure kFlexVolumeSource = {"FlexVolumeSource", kFlexVolumeSourceFields};

constexpr Field kCinderVolumeSourceFields[] = {
    text("volumeID").required(), text("fsType"), boolean("readOnly"),
    object("secretRef", kLocalObjectReference),
};
constexpr Structure kCinderVolumeSource = {"CinderVolumeSource", kCinderVolumeSourceFields};

constexpr Field kCephFSVolumeSourceFields[] = {
    texts("monitors").required(), text("path"), text("user"), text("secretFile"),
    object("secretRef", kLocalObjectReference), boolean("readOnly"),
};
constexpr Structure kCephFSVolumeSource = {"CephFSVolumeSource", kCephFSVolumeSourceFields};

constexpr Field kFlockerVolumeSourceFields[] = {
    text("datasetName"), text("datasetUUID"),
};
constexpr Structure kFlockerVolumeSource = {"FlockerVolumeSource", kFlockerVolumeSourceFields};

constexpr Field kObjectFieldSelectorFields[] = {
    text("apiVersion").only("v1"),
    text("fieldPath").required(),
};
}  // namespace
const Structure kObjectFieldSelector = {"ObjectFieldSelector", kObjectFieldSelectorFields};
namespace {

constexpr Field kResourceFieldSelectorFields[] = {
    text("containerName"), text("resource").required(), quantity("divisor"),
};
}  // namespace
const Structure kResourceFieldSelector = {"ResourceFieldSelector", kResourceFieldSelectorFields};
namespace {

constexpr Field kDownwardAPIVolumeFileFields[] = {
    text("path").required().is(Format::kRelativePath), object("fieldRef", kObjectFieldSelector),
    object("resourceFieldRef", kResourceFieldSelector).unsupported(),
    integer("mode").between(0, 0777),
};
constexpr Structure kDownwardAPIVolumeFile = {
    "DownwardAPIVolumeFile", kDownwardAPIVolumeFileFields};

constexpr Field kDownwardAPIVolumeSourceFields[] = {
    objects("items", kDownwardAPIVolumeFile), integer("defaultMode").between(0, 0777),
};
constexpr Structure kDownwardAPIVolumeSource = {
    "DownwardAPIVolumeSource", kDownwardAPIVolumeSourceFields};

constexpr Field kFCVolumeSourceFields[] = {
    texts("targetWWNs"), integer("lun"), text("fsType"), boolean("readOnly"), texts("wwids"),
};
constexpr Structure kFCVolumeSource = {"FCVolumeSource", kFCVolumeSourceFields};

constexpr Field kAzureFileVolumeSourceFields[] = {
    text("secretName").required(), text("shareName").required(), boolean("readOnly"),
};
constexpr Structure kAzureFileVolumeSource = {
    "AzureFileVolumeSource", kAzureFileVolumeSourceFields};

constexpr Field kConfigMapVolumeSourceFields[] = {
    text("name").required().is(Format::kDnsSubdomain),
    objects("items", kKeyToPath),
    integer("defaultMode").between(0, 0777),
    boolean("optional"),
};
constexpr Structure kConfigMapVolumeSource = {
    "ConfigMapVolumeSource", kConfigMapVolumeSourceFields};

constexpr Field kVsphereVirtualDiskVolumeSourceFields[] = {
    text("volumePath").required(), text("fsType"), text("storagePolicyName"),
    text("storagePolicyID"),
};
constexpr Structure kVsphereVirtualDiskVolumeSource = {
    "VsphereVirtualDiskVolumeSource", kVsphereVirtualDiskVolumeSourceFields};

constexpr Field kQuobyteVolumeSourceFields[] = {
    text("registry").required(), text("volume").required(), boolean("readOnly"), text("user"),
    text("group"), text("tenant"),
};
constexpr Structure kQuobyteVolumeSource = {"QuobyteVolumeSource", kQuobyteVolumeSourceFields};

constexpr Field kAzureDiskVolumeSourceFields[] = {
    text("diskName").required(), text("diskURI").required(), text("cachingMode"), text("fsType"),
    boolean("readOnly"), text("kind"),
};
constexpr Structure kAzureDiskVolumeSource = {
    "AzureDiskVolumeSource", kAzureDiskVolumeSourceFields};

constexpr Field kPhotonPersistentDiskVolumeSourceFields[] = {
    text("pdID").required(), text("fsType"),
};
constexpr Structure kPhotonPersistentDiskVolumeSource = {
    "PhotonPersistentDiskVolumeSource", kPhotonPersistentDiskVolumeSourceFields};

constexpr Field kSecretProjectionFields[] = {
    text("name"), objects("items", kKeyToPath), boolean("optional"),
};
constexpr Structure kSecretProjection = {"SecretProjection", kSecretProjectionFields};

constexpr Field kDownwardAPIProjectionFields[] = {
    objects("items", kDownwardAPIVolumeFile),
};
constexpr Structure kDownwardAPIProjection = {
    "DownwardAPIProjection", kDownwardAPIProjectionFields};

constexpr Field kConfigMapProjectionFields[] = {
    text("name"), objects("items", kKeyToPath), boolean("optional"),
};
constexpr Structure kConfigMapProjection = {"ConfigMapProjection", kConfigMapProjectionFields};

constexpr Field kServiceAccountTokenProjectionFields[] = {
    text("audience"), integer("expirationSeconds"), text("path").required(),
};
constexpr Structure kServiceAccountTokenProjection = {
    "ServiceAccountTokenProjection", kServiceAccountTokenProjectionFields};

constexpr Field kClusterTrustBundleProjectionFields[] = {
    text("name"), text("signerName"), object("labelSelector", kLabelSelector), boolean("optional"),
    text("path").required(),
};
constexpr Structure kClusterTrustBundleProjection = {
    "ClusterTrustBundleProjection", kClusterTrustBundleProjectionFields};

constexpr Field kPodCertificateProjectionFields[] = {
    text("signerName"), text("keyType"), integer("maxExpirationSeconds"),
    text("credentialBundlePath"), text("keyPath"), text("certificateChainPath"),
    text_map("userAnnotations"),
};
constexpr Structure kPodCertificateProjection = {
    "PodCertificateProjection", kPodCertificateProjectionFields};

constexpr Field kVolumeProjectionFields[] = {
    object("secret", kSecretProjection), object("downwardAPI", kDownwardAPIProjection),
    object("configMap", kConfigMapProjection),
    object("serviceAccountToken", kServiceAccountTokenProjection)
        .unsupported("only a cluster gives tokens"),
    object("clusterTrustBundle", kClusterTrustBundleProjection).unsupported(),
    object("podCertificate", kPodCertificateProjection).unsupported(),
};
constexpr Structure kVolumeProjection = {"VolumeProjection", kVolumeProjectionFields};

constexpr Field kProjectedVolumeSourceFields[] = {
    objects("sources", kVolumeProjection).required(), integer("defaultMode").between(0, 0777),
};
constexpr Structure kProjectedVolumeSource = {
    "ProjectedVolumeSource", kProjectedVolumeSourceFields};

constexpr Field kPortworxVolumeSourceFields[] = {
    text("volumeID").required(), text("fsType"), boolean("readOnly"),
};
constexpr Structure kPortworxVolumeSource = {"PortworxVolumeSource", kPortworxVolumeSourceFields};

constexpr Field kScaleIOVolumeSourceFields[] = {
    text("gateway").required(), text("system").required(),
    object("secretRef", kLocalObjectReference), boolean("sslEnabled"), text("protectionDomain"),
    text("storagePool"), text("storageMode"), text("volumeName"), text("fsType"),
    boolean("readOnly"),
};
constexpr Structure kScaleIOVolumeSource = {"ScaleIOVolumeSource", kScaleIOVolumeSourceFields};

constexpr Field kStorageOSVolumeSourceFields[] = {
    text("volumeName"), text("volumeNamespace"), text("fsType"), boolean("readOnly"),
    object("secretRef", kLocalObjectReference),
};
constexpr Structure kStorageOSVolumeSource = {
    "StorageOSVolumeSource", kStorageOSVolumeSourceFields};

constexpr Field kCSIVolumeSourceFields[] = {
    text("driver").required(), boolean("readOnly"), text("fsType"), text_map("volumeAttributes"),
    object("nodePublishSecretRef", kLocalObjectReference),
};
constexpr Structure kCSIVolumeSource = {"CSIVolumeSource", kCSIVolumeSourceFields};

constexpr Field kVolumeResourceRequirementsFields[] = {
    quantity_map("limits"), quantity_map("requests"),
};
constexpr Structure kVolumeResourceRequirements = {
    "VolumeResourceRequirements", kVolumeResourceRequirementsFields};

constexpr Field kTypedObjectReferenceFields[] = {
    text("apiGroup"), text("kind").required(), text("name").required(), text("namespace"),
};
constexpr Structure kTypedObjectReference = {"TypedObjectReference", kTypedObjectReferenceFields};

constexpr Field kPersistentVolumeClaimSpecFields[] = {
    texts("accessModes"), object("selector", kLabelSelector),
    object("resources", kVolumeResourceRequirements), text("volumeName"), text("storageClassName"),
    text("volumeMode"), object("dataSource", kTypedLocalObjectReference),
    object("dataSourceRef", kTypedObjectReference), text("volumeAttributesClassName"),
};
constexpr Structure kPersistentVolumeClaimSpec = {
    "PersistentVolumeClaimSpec", kPersistentVolumeClaimSpecFields};

constexpr Field kPersistentVolumeClaimTemplateFields[] = {
    object("metadata", kObjectMeta), object("spec", kPersistentVolumeClaimSpec).required(),
};
constexpr Structure kPersistentVolumeClaimTemplate = {
    "PersistentVolumeClaimTemplate", kPersistentVolumeClaimTemplateFields};

constexpr Field kEphemeralVolumeSourceFields[] = {
    object("volumeClaimTemplate", kPersistentVolumeClaimTemplate),
};
constexpr Structure kEphemeralVolumeSource = {
    "EphemeralVolumeSource", kEphemeralVolumeSourceFields};

constexpr Field kImageVolumeSourceFields[] = {
    text("reference"), text("pullPolicy"),
};
constexpr Structure kImageVolumeSource = {"ImageVolumeSource", kImageVolumeSourceFields};

constexpr Field kVolumeFields[] = {
    text("name").required().is(Format::kDnsLabel),
    object("hostPath", kHostPathVolumeSource),
    object("emptyDir", kEmptyDirVolumeSource),
    object("gcePersistentDisk", kGCEPersistentDiskVolumeSource).unsupported(),
    object("awsElasticBlockStore", kAWSElasticBlockStoreVolumeSource).unsupported(),
    object("gitRepo", kGitRepoVolumeSource)
        .unsupported("clone in an init container into an emptyDir"),
    object("secret", kSecretVolumeSource),
    object("nfs", kNFSVolumeSource).unsupported(),
    object("iscsi", kISCSIVolumeSource).unsupported(),
    object("glusterfs", kGlusterfsVolumeSource).unsupported(),
    object("persistentVolumeClaim", kPersistentVolumeClaimVolumeSource).unsupported(),
    object("rbd", kRBDVolumeSource).unsupported(),
    object("flexVolume", kFlexVolumeSource).unsupported(),
    object("cinder", kCinderVolumeSource).unsupported(),
    object("cephfs", kCephFSVolumeSource).unsupported(),
    object("flocker", kFlockerVolumeSource).unsupported(),
    object("downwardAPI", kDownwardAPIVolumeSource),
    object("fc", kFCVolumeSource).unsupported(),
    object("azureFile", kAzureFileVolumeSource).unsupported(),
    object("configMap", kConfigMapVolumeSource),
    object("vsphereVolume", kVsphereVirtualDiskVolumeSource).unsupported(),
    object("quobyte", kQuobyteVolumeSource).unsupported(),
    object("azureDisk", kAzureDiskVolumeSource).unsupported(),
    object("photonPersistentDisk", kPhotonPersistentDiskVolumeSource).unsupported(),
    object("projected", kProjectedVolumeSource),
    object("portworxVolume", kPortworxVolumeSource).unsupported(),
    object("scaleIO", kScaleIOVolumeSource).unsupported(),
    object("storageos", kStorageOSVolumeSource).unsupported(),
    object("csi", kCSIVolumeSource).unsupported(),
    object("ephemeral", kEphemeralVolumeSource).unsupported(),
    object("image", kImageVolumeSource).unsupported(),
};
}  // namespace
const Structure kVolume = {"Volume", kVolumeFields};
}  // namespace duet::object
