#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "oci/content_store.h"
#include "oci/helper.h"

// What the room's tests share: scratch folders, images made by umoci and skopeo.
namespace duet::oci {

// A temporary folder that goes away.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Runs a command to its end and returns its stdout; a failure fails the test.
std::string must_run(const std::vector<std::string>& argv);
// Its exit code, and nothing else.
int exit_code(const std::vector<std::string>& argv);

// duet-pull of this build.
Helper built_helper();

// An OCI layout with one image "app:v1" for linux: two layers, busybox and a file, made by umoci.
// Returns "folder:app"; the tag is in `folder` as "app".
void make_container_layout(const std::string& folder);

// The smallest core module and component.
std::string core_module();
std::string component();

// An uncompressed tar of regular files (path, content); whiteouts are files too.
std::string make_tar(const std::vector<std::pair<std::string, std::string>>& files);

// Stores an ordinary image whose layers are these tars (lowest first) and whose configuration's
// "config" is `config_json`; returns what resolve says.
Result<Image> store_image(ContentStore& store, const std::string& name,
                          const std::vector<std::string>& layers, const std::string& config_json,
                          const std::string& os = "linux", const std::string& architecture = "");

ContentStore open_store(const std::string& path);

}  // namespace duet::oci
