#include "pod/volumes.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/file.h"

namespace duet::pod {
namespace {

using Type = object::Volume::Type;
using Source = object::ProjectionSource::Type;

class VolumesTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = sys::make_temporary_directory("/tmp", "duet-volumes-").value();
    values_.config_map = [this](const std::string& name) -> Result<object::ConfigMap> {
      if (name != "settings") {
        return not_found("no such object");
      }
      return settings_;
    };
    values_.secret = [](const std::string&) -> Result<object::Secret> {
      object::Secret secret;
      secret.data = {{"key", "hidden"}};
      return secret;
    };
  }
  void TearDown() override {
    EXPECT_TRUE(Volumes(root_ + "/v", values_).remove().ok());
    EXPECT_TRUE(sys::remove_tree(root_).ok());
  }

  static object::Pod pod_with(object::Volume volume) {
    object::Pod pod;
    pod.spec.volumes = {std::move(volume)};
    return pod;
  }
  std::string read(const std::string& path) {
    return sys::read_file(root_ + "/v/" + path, 1000).value_or("?");
  }

  std::string root_;
  object::ConfigMap settings_;
  ValueSource values_;
};

TEST_F(VolumesTest, ConfigMapChangesAsAWhole) {
  Volumes volumes(root_ + "/v", values_);
  const auto pod =
      pod_with({.name = "c", .type = Type::kProjected, .sources = {{.name = "settings"}}});
  settings_.data = {{"a", "1"}, {"b", "2"}};
  ASSERT_TRUE(volumes.prepare(pod).ok());
  EXPECT_EQ(read("c/a"), "1");
  struct stat before{};
  ::lstat((root_ + "/v/c/..data").c_str(), &before);

  ASSERT_TRUE(volumes.prepare(pod).ok());
  struct stat after{};
  ::lstat((root_ + "/v/c/..data").c_str(), &after);
  EXPECT_EQ(before.st_ino, after.st_ino) << "an unchanged ConfigMap must not be written again";

  settings_.data = {{"a", "3"}, {"d", "4"}};
  ASSERT_TRUE(volumes.prepare(pod).ok());
  EXPECT_EQ(read("c/a"), "3");
  EXPECT_EQ(read("c/b"), "?");
  EXPECT_EQ(read("c/d"), "4");
}

TEST_F(VolumesTest, ItemsChoosePathsAndModes) {
  Volumes volumes(root_ + "/v", values_);
  settings_.data = {{"a", "1"}, {"b", "2"}};
  const auto pod =
      pod_with({.name = "c",
                .type = Type::kProjected,
                .sources = {{.name = "settings",
                             .items = {{.key = "a", .path = "deep/er", .mode = 0400}}}}});
  ASSERT_TRUE(volumes.prepare(pod).ok());
  EXPECT_EQ(read("c/deep/er"), "1");
  EXPECT_EQ(read("c/b"), "?");
  struct stat info{};
  ASSERT_EQ(::stat((root_ + "/v/c/deep/er").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0400U);
}

TEST_F(VolumesTest, RefusesPathsThatLeadOut) {
  Volumes volumes(root_ + "/v", values_);
  settings_.data = {{"a", "1"}};
  for (const char* path : {"../x", "/x", "a/../../x", ".."}) {
    const auto pod =
        pod_with({.name = "c",
                  .type = Type::kProjected,
                  .sources = {{.name = "settings", .items = {{.key = "a", .path = path}}}}});
    EXPECT_FALSE(volumes.prepare(pod).ok()) << path;
  }
  EXPECT_FALSE(sys::file_exists(root_ + "/x"));
}

TEST_F(VolumesTest, MissingObjectsAreNamedUnlessOptional) {
  Volumes volumes(root_ + "/v", values_);
  object::Volume volume{.name = "c", .type = Type::kProjected, .sources = {{.name = "nothing"}}};
  EXPECT_EQ(volumes.prepare(pod_with(volume)).error().message(),
            "volume \"c\": configmap \"nothing\": no such object");
  volume.sources[0].optional = true;
  EXPECT_TRUE(volumes.prepare(pod_with(volume)).ok());
}

TEST_F(VolumesTest, AProjectedVolumeIsOneFolderOfManySources) {
  Volumes volumes(root_ + "/v", values_);
  settings_.data = {{"a", "1"}, {"key", "of the ConfigMap"}};
  auto pod = pod_with({.name = "p",
                       .type = Type::kProjected,
                       .sources = {{.name = "settings"},
                                   {.type = Source::kSecret, .name = "keys"},
                                   {.type = Source::kDownwardApi,
                                    .items = {{.key = "metadata.namespace", .path = "namespace"},
                                              {.key = "metadata.labels", .path = "labels"}}}},
                       .default_mode = 0440});
  pod.meta.ns = "shop";
  pod.meta.labels = {{"app", "till"}, {"note", "a \"b\"\n"}};
  ASSERT_TRUE(volumes.prepare(pod).ok());
  EXPECT_EQ(read("p/a"), "1");
  EXPECT_EQ(read("p/key"), "hidden") << "a later source's file replaces an earlier one's";
  EXPECT_EQ(read("p/namespace"), "shop");
  EXPECT_EQ(read("p/labels"), "app=\"till\"\nnote=\"a \\\"b\\\"\\n\"");
  struct stat info{};
  ASSERT_EQ(::stat((root_ + "/v/p/labels").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0440U);
}

TEST_F(VolumesTest, SecretsAndHostPathsAreMountedAsAsked) {
  Volumes volumes(root_ + "/v", values_);
  auto pod = pod_with({.name = "s",
                       .type = Type::kProjected,
                       .sources = {{.type = Source::kSecret, .name = "keys"}}});
  pod.spec.volumes.push_back({.name = "h",
                              .type = Type::kHostPath,
                              .host_path = root_ + "/host",
                              .host_path_type = "DirectoryOrCreate"});
  ASSERT_TRUE(volumes.prepare(pod).ok());
  EXPECT_EQ(read("s/key"), "hidden");
  object::Container container;
  container.volume_mounts = {{.name = "s", .mount_path = "/etc/s"},
                             {.name = "h", .mount_path = "/data", .sub_path = "part"}};
  const auto mounts = volumes.mounts(pod, container);
  ASSERT_TRUE(mounts.ok());
  EXPECT_EQ(mounts->at(0).read_only, true);
  ASSERT_TRUE(sys::write_file(root_ + "/host/part/f", "of the host").ok());
  EXPECT_EQ(sys::read_file(mounts->at(1).host_path + "/f", 100).value_or("?"), "of the host");
  EXPECT_EQ(mounts->at(1).read_only, false);
  ASSERT_TRUE(volumes.remove().ok());
  EXPECT_TRUE(sys::file_exists(root_ + "/host/part")) << "what the host owns stays";
}

TEST_F(VolumesTest, UnmountedIsWhatARestartedMachineHas) {
  Volumes volumes(root_ + "/v", values_);
  object::Pod pod = pod_with({.name = "disk", .type = Type::kEmptyDir});
  pod.spec.volumes.push_back({.name = "memory", .type = Type::kEmptyDir, .memory_medium = true});
  pod.spec.volumes.push_back(
      {.name = "s", .type = Type::kProjected, .sources = {{.type = Source::kSecret, .name = "s"}}});
  const object::Container container{
      .volume_mounts = {{.name = "disk", .mount_path = "/part", .sub_path = "part"}}};
  ASSERT_TRUE(volumes.prepare(pod).ok());
  ASSERT_TRUE(volumes.mounts(pod, container).ok());
  ASSERT_TRUE(sys::write_file(root_ + "/v/disk/part/kept", "1").ok());
  ASSERT_TRUE(sys::write_file(root_ + "/v/memory/lost", "1").ok());
  ASSERT_EQ(read("s/key"), "hidden");
  ASSERT_TRUE(volumes.unmount().ok());
  EXPECT_EQ(sys::read_file("/proc/self/mounts", 1 << 20)->find(root_), std::string::npos);
  EXPECT_EQ(read("disk/part/kept"), "1");
  EXPECT_EQ(read("s/key"), "?");
  ASSERT_TRUE(volumes.prepare(pod).ok());
  EXPECT_EQ(read("disk/part/kept"), "1");
  EXPECT_EQ(read("memory/lost"), "?");
  EXPECT_EQ(read("s/key"), "hidden");
}

TEST_F(VolumesTest, SubPathStaysInsideItsVolume) {
  Volumes volumes(root_ + "/v", values_);
  const auto pod = pod_with({.name = "e", .type = Type::kEmptyDir});
  ASSERT_TRUE(volumes.prepare(pod).ok());
  // What a container that writes to the volume can put there.
  const std::string volume = root_ + "/v/e";
  ASSERT_TRUE(sys::make_directories(root_ + "/outside").ok());
  ASSERT_TRUE(sys::make_directories(volume + "/inside").ok());
  ASSERT_EQ(::symlink((root_ + "/outside").c_str(), (volume + "/absolute").c_str()), 0);
  ASSERT_EQ(::symlink("../../outside", (volume + "/climbing").c_str()), 0);
  ASSERT_EQ(::symlink("/nowhere", (volume + "/dangling").c_str()), 0);
  ASSERT_EQ(::symlink("inside", (volume + "/good").c_str()), 0);
  object::Container container;
  for (const char* path : {"absolute", "absolute/new", "climbing", "dangling", "good/../../x"}) {
    container.volume_mounts = {{.name = "e", .mount_path = "/e", .sub_path = path}};
    EXPECT_EQ(volumes.mounts(pod, container).error().code(), ErrorCode::kInvalid) << path;
  }
  EXPECT_TRUE(sys::list_directory(root_ + "/outside").value().empty());
  container.volume_mounts = {{.name = "e", .mount_path = "/e", .sub_path = "good"}};
  EXPECT_TRUE(volumes.mounts(pod, container).ok());
}

TEST_F(VolumesTest, SubPathIsWhatItWasWhenItWasBound) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "binding needs root";
  }
  Volumes volumes(root_ + "/v", values_);
  const auto pod = pod_with({.name = "e", .type = Type::kEmptyDir});
  ASSERT_TRUE(volumes.prepare(pod).ok());
  object::Container container;
  container.volume_mounts = {{.name = "e", .mount_path = "/e", .sub_path = "a/b"}};
  const auto mounts = volumes.mounts(pod, container);
  ASSERT_TRUE(mounts.ok());
  struct stat made{};
  ASSERT_EQ(::stat((root_ + "/v/e/a/b").c_str(), &made), 0);
  EXPECT_EQ(made.st_mode & 07777U, 0777U) << "who may write to the volume may write there";
  // A writer replaces the folder between this and the container's start.
  ASSERT_TRUE(sys::remove_tree(root_ + "/v/e/a").ok());
  ASSERT_EQ(::symlink("/etc", (root_ + "/v/e/a").c_str()), 0);
  EXPECT_TRUE(sys::list_directory(mounts->at(0).host_path).value().empty());
  ASSERT_TRUE(volumes.mounts(pod, container).error().code() == ErrorCode::kInvalid);
  ASSERT_TRUE(volumes.remove().ok());
  EXPECT_FALSE(sys::file_exists(root_ + "/v"));
}

TEST_F(VolumesTest, HostPathSaysWhatIsWrong) {
  Volumes volumes(root_ + "/v", values_);
  const auto missing =
      pod_with({.name = "h", .type = Type::kHostPath, .host_path = root_ + "/nothing"});
  EXPECT_EQ(volumes.prepare(missing).error().code(), ErrorCode::kNotFound);
  const auto wrong = pod_with({.name = "h",
                               .type = Type::kHostPath,
                               .host_path = "/etc/hostname",
                               .host_path_type = "Directory"});
  EXPECT_EQ(volumes.prepare(wrong).error().code(), ErrorCode::kInvalid);
  for (const char* type : {"File", "Socket", "CharDevice", "BlockDevice"}) {
    const auto folder = pod_with(
        {.name = "h", .type = Type::kHostPath, .host_path = "/etc", .host_path_type = type});
    EXPECT_EQ(volumes.prepare(folder).error().code(), ErrorCode::kInvalid) << type;
  }
}

}  // namespace
}  // namespace duet::pod
