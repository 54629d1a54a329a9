#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "container/layer_store.h"
#include "oci/image.h"
#include "sys/file.h"
#include "sys/namespace.h"
#include "sys/process.h"
#include "sys/run_command.h"

// What the tests of this room share: folders, tars, images made by umoci. Only tests include it.
namespace duet::container {

inline constexpr int64_t kToolTimeoutMs = 60'000;

// A folder of the test's own, removed at its end. On disk, because overlayfs needs it.
class ScratchTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::geteuid(), 0U) << "these tests need root";
    scratch_ = sys::make_temporary_directory("/var/tmp", "duet-container-").value();
  }
  void TearDown() override { EXPECT_TRUE(sys::remove_tree(scratch_).ok()); }

  std::string scratch_;
};

// A number that no other test run has: the name of things that the whole machine shares.
inline std::string unique_suffix() { return std::to_string(::getpid()); }

inline std::string unpacker_path() {
  return sys::executable_directory().value() + "/../duet-unpack";
}

// Runs a tool to its end; the test fails if it does. Returns its stdout.
inline std::string must_run(const std::vector<std::string>& argv) {
  sys::Command command;
  command.argv = argv;
  const auto output = sys::run(command, "", kToolTimeoutMs);
  if (!output.ok()) {
    ADD_FAILURE() << argv[0] << ": " << output.error().message();
    return "";
  }
  std::string line;
  for (const auto& each : argv) {
    line += each + " ";
  }
  EXPECT_TRUE(output->status.ok()) << line << output->out << output->err;
  return output->out;
}

// Writes tar archives byte by byte, also such as no honest tool makes.
class TarBuilder {
 public:
  struct Member {
    std::string name;
    char type = '0';
    std::string link;
    std::string content;
    int mode = 0644;
    int64_t claimed_size = -1;  // other than the content's
  };

  TarBuilder& add(const Member& member) {
    std::array<char, 512> header{};
    const int64_t size = member.claimed_size >= 0 ? member.claimed_size
                                                  : static_cast<int64_t>(member.content.size());
    std::snprintf(header.data(), 100, "%s", member.name.c_str());
    octal(&header[100], 8, member.mode);
    octal(&header[108], 8, 0);
    octal(&header[116], 8, 0);
    octal(&header[124], 12, size);
    octal(&header[136], 12, 1'700'000'000);
    std::memset(&header[148], ' ', 8);
    header[156] = member.type;
    std::snprintf(&header[157], 100, "%s", member.link.c_str());
    std::memcpy(&header[257], "ustar\00000", 8);
    int64_t sum = 0;
    for (const char each : header) {
      sum += static_cast<unsigned char>(each);
    }
    octal(&header[148], 7, sum);
    bytes_.append(header.data(), header.size());
    bytes_ += member.content;
    bytes_.append((512 - member.content.size() % 512) % 512, '\0');
    return *this;
  }

  TarBuilder& directory(const std::string& name) { return add({name, '5', "", "", 0755, -1}); }
  TarBuilder& file(const std::string& name, const std::string& content) {
    return add({name, '0', "", content, 0644, -1});
  }
  TarBuilder& symlink(const std::string& name, const std::string& target) {
    return add({name, '2', target, "", 0777, -1});
  }
  TarBuilder& hard_link(const std::string& name, const std::string& target) {
    return add({name, '1', target, "", 0644, -1});
  }

  std::string unfinished() const { return bytes_; }
  std::string finish() const { return bytes_ + std::string(1024, '\0'); }

 private:
  static void octal(char* field, int width, int64_t value) {
    std::string text(static_cast<size_t>(width) - 1, '0');
    for (size_t i = text.size(); i-- > 0 && value > 0; value /= 8) {
      text[i] = static_cast<char>('0' + value % 8);
    }
    std::memcpy(field, text.c_str(), text.size() + 1);
  }
  std::string bytes_;
};

// Everything about a tree that an unpacker must get right: path to a line of attributes.
using TreeSnapshot = std::map<std::string, std::string>;

inline std::string xattrs_of(const std::string& path) {
  std::array<char, 65536> names;
  const ssize_t length = ::llistxattr(path.c_str(), names.data(), names.size());
  std::vector<std::string> all;
  for (const char* name = names.data(); length > 0 && name < names.data() + length;
       name += std::strlen(name) + 1) {
    std::array<char, 65536> value;
    const ssize_t size = ::lgetxattr(path.c_str(), name, value.data(), value.size());
    all.push_back(std::string(name) + "=" +
                  std::string(value.data(), size < 0 ? 0 : static_cast<size_t>(size)));
  }
  std::sort(all.begin(), all.end());
  std::string text;
  for (const auto& each : all) {
    text += each + ";";
  }
  return text;
}

inline std::string describe_file(const std::string& path, const struct stat& info,
                                 std::map<ino_t, std::string>& first_names) {
  std::string text = "mode " + std::to_string(info.st_mode) + " owner " +
                     std::to_string(info.st_uid) + ":" + std::to_string(info.st_gid) + " mtime " +
                     std::to_string(info.st_mtim.tv_sec) + "." +
                     std::to_string(info.st_mtim.tv_nsec) + " xattrs " + xattrs_of(path);
  if (S_ISLNK(info.st_mode)) {
    std::array<char, 4097> target{};
    EXPECT_GE(::readlink(path.c_str(), target.data(), target.size() - 1), 0);
    text += " to " + std::string(target.data());
  } else if (S_ISREG(info.st_mode)) {
    text += " first " + first_names.emplace(info.st_ino, path).first->second;
    text += " content " + sys::read_file(path, 64 << 20).value();
  } else if (!S_ISDIR(info.st_mode)) {
    text += " device " + std::to_string(info.st_rdev);
  }
  return text;
}

inline void snapshot_into(const std::string& root, const std::string& below, TreeSnapshot& all,
                          std::map<ino_t, std::string>& first_names) {
  const std::string path = root + below;
  struct stat info{};
  ASSERT_EQ(::lstat(path.c_str(), &info), 0) << path;
  std::string text = describe_file(path, info, first_names);
  for (size_t at = text.find(root); at != std::string::npos; at = text.find(root, at)) {
    text.erase(at, root.size());
  }
  all[below.empty() ? "/" : below] = text;
  if (S_ISDIR(info.st_mode)) {
    const auto names = sys::list_directory(path).value();
    for (const auto& name : names) {
      snapshot_into(root, below + "/" + name, all, first_names);
    }
  }
}

inline TreeSnapshot snapshot(const std::string& root) {
  TreeSnapshot all;
  std::map<ino_t, std::string> first_names;
  snapshot_into(root, "", all, first_names);
  return all;
}

// Reads the only image of an OCI layout, as the oci room would.
inline oci::Image read_layout(const std::string& layout) {
  const auto blob = [&](const nlohmann::json& descriptor) {
    const auto digest = descriptor["digest"].get<std::string>();
    return nlohmann::json::parse(
        sys::read_file(layout + "/blobs/sha256/" + digest.substr(7), 1 << 20).value());
  };
  const auto index = nlohmann::json::parse(sys::read_file(layout + "/index.json", 1 << 20).value());
  const auto manifest = blob(index["manifests"][0]);
  const auto config = blob(manifest["config"]);
  oci::Image image;
  image.name = "example.test/image:1";
  for (size_t i = 0; i < manifest["layers"].size(); ++i) {
    const auto& layer = manifest["layers"][i];
    image.layers.push_back({{layer["mediaType"], layer["digest"], layer["size"], {}},
                            config["rootfs"]["diff_ids"][i]});
  }
  const auto& from = config["config"];
  image.config.env = from.value("Env", std::vector<std::string>());
  image.config.cmd = from.value("Cmd", std::vector<std::string>());
  image.config.entrypoint = from.value("Entrypoint", std::vector<std::string>());
  image.config.user = from.value("User", "");
  return image;
}

// Makes an OCI layout with one image of the given layer tars, by umoci.
inline void make_layout(const std::string& layout, const std::vector<std::string>& layer_tars) {
  must_run({"umoci", "init", "--layout", layout});
  must_run({"umoci", "new", "--image", layout + ":1"});
  for (const auto& tar : layer_tars) {
    must_run({"umoci", "raw", "add-layer", "--image", layout + ":1", tar});
  }
}

// An image with busybox and a user, as a layout below `scratch`.
inline std::string make_busybox_layout(const std::string& scratch) {
  const std::string tree = scratch + "/busybox";
  for (const char* folder : {"/bin", "/etc", "/tmp", "/www"}) {
    EXPECT_TRUE(sys::make_directories(tree + folder).ok());
  }
  must_run({"cp", "/bin/busybox", tree + "/bin/busybox"});
  for (const char* name : {"sh", "cat", "id", "echo", "ping", "nc", "httpd", "sleep", "mount",
                           "env", "true", "hostname", "ls", "mkdir"}) {
    EXPECT_EQ(::symlink("busybox", (tree + "/bin/" + name).c_str()), 0);
  }
  EXPECT_TRUE(sys::write_file(tree + "/etc/passwd",
                              "root:x:0:0:root:/:/bin/sh\nweb:x:1000:1000::/:/bin/sh\n")
                  .ok());
  EXPECT_TRUE(sys::write_file(tree + "/etc/group", "root:x:0:\nweb:x:1000:\nlog:x:50:web\n").ok());
  EXPECT_TRUE(sys::write_file(tree + "/www/index.html", "hello from a container\n").ok());
  must_run({"tar", "-C", tree, "-cf", scratch + "/busybox.tar", "."});
  make_layout(scratch + "/layout", {scratch + "/busybox.tar"});
  return scratch + "/layout";
}

}  // namespace duet::container
