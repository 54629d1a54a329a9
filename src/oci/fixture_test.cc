#include "oci/fixture_test.h"

#include <archive.h>
#include <archive_entry.h>

#include <cstdlib>
#include <cstring>

#include "oci/digest.h"
#include "oci/manifest.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/run_command.h"

namespace duet::oci {

TemporaryFolder::TemporaryFolder() {
  path_ = sys::make_temporary_directory("/tmp", "duet-oci-test-").value_or("");
  EXPECT_NE(path_, "");
}

TemporaryFolder::~TemporaryFolder() { EXPECT_TRUE(sys::remove_tree(path_).ok()); }

std::string must_run(const std::vector<std::string>& argv) {
  const auto output = sys::run({.argv = argv}, "", 120'000, 8 << 20);
  if (!output.ok() || !output->status.ok()) {
    ADD_FAILURE() << argv[0] << " " << argv[1] << ": "
                  << (output.ok() ? output->err : output.error().message());
    return "";
  }
  return output->out;
}

int exit_code(const std::vector<std::string>& argv) {
  const auto output = sys::run({.argv = argv}, "", 120'000);
  return output.ok() ? output->status.code : -1;
}

Helper built_helper() {
  const char* build = std::getenv("DUET_BUILD_DIR");
  const std::string folder =
      build != nullptr ? std::string(build) : sys::executable_directory().value_or(".") + "/..";
  return {.program = folder + "/duet-pull"};
}

void make_container_layout(const std::string& folder) {
  const TemporaryFolder scratch;
  must_run({"umoci", "init", "--layout", folder});
  must_run({"umoci", "new", "--image", folder + ":app"});
  ASSERT_TRUE(sys::make_directories(scratch / "root/bin").ok());
  must_run({"cp", "/bin/busybox", scratch / "root/bin/busybox"});
  must_run({"umoci", "insert", "--image", folder + ":app", scratch / "root", "/"});
  ASSERT_TRUE(sys::write_file(scratch / "motd", "hello\n").ok());
  must_run({"umoci", "insert", "--image", folder + ":app", scratch / "motd", "/etc/motd"});
  must_run({"umoci", "config", "--image", folder + ":app", "--config.entrypoint", "/bin/busybox",
            "--config.cmd", "sh", "--config.env", "A=b", "--config.workingdir", "/etc",
            "--config.user", "7:8", "--config.exposedports", "80/tcp"});
}

std::string core_module() { return {"\0asm\1\0\0\0", 8}; }
std::string component() { return {"\0asm\x0d\0\1\0", 8}; }

std::string make_tar(const std::vector<std::pair<std::string, std::string>>& files) {
  std::string bytes(4 << 20, '\0');
  size_t used = 0;
  archive* writer = archive_write_new();
  archive_write_set_format_pax_restricted(writer);
  archive_write_open_memory(writer, bytes.data(), bytes.size(), &used);
  for (const auto& [path, content] : files) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, path.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_write_header(writer, entry);
    archive_write_data(writer, content.data(), content.size());
    archive_entry_free(entry);
  }
  archive_write_close(writer);
  archive_write_free(writer);
  bytes.resize(used);
  return bytes;
}

Result<Image> store_image(ContentStore& store, const std::string& name,
                          const std::vector<std::string>& layers, const std::string& config_json,
                          const std::string& os, const std::string& architecture) {
  DUET_ASSIGN(const auto writing, store.begin_writing());
  std::string diff_ids;
  std::string descriptors;
  const auto text = [](const Descriptor& blob) {
    return R"({"mediaType":")" + blob.media_type + R"(","digest":")" + blob.digest +
           R"(","size":)" + std::to_string(blob.size_bytes) + "}";
  };
  for (const std::string& layer : layers) {
    DUET_ASSIGN(const Descriptor blob,
                store.put_blob("application/vnd.oci.image.layer.v1.tar", layer));
    diff_ids += (diff_ids.empty() ? "\"" : ",\"") + blob.digest + "\"";
    descriptors += (descriptors.empty() ? "" : ",") + text(blob);
  }
  const std::string arch = architecture.empty() ? host_platform().architecture : architecture;
  DUET_ASSIGN(const Descriptor config,
              store.put_blob(std::string(kOciConfig), R"({"os":")" + os + R"(","architecture":")" +
                                                          arch + R"(","config":)" + config_json +
                                                          R"(,"rootfs":{"type":"layers",)" +
                                                          R"("diff_ids":[)" + diff_ids + "]}}"));
  DUET_ASSIGN(
      const Descriptor manifest,
      store.put_blob(std::string(kOciManifest),
                     R"({"schemaVersion":2,"mediaType":")" + std::string(kOciManifest) +
                         R"(","config":)" + text(config) + R"(,"layers":[)" + descriptors + "]}"));
  DUET_TRY(store.set_name(name, manifest));
  return store.resolve(name);
}

ContentStore open_store(const std::string& path) {
  auto store = ContentStore::open(path);
  if (!store.ok()) {
    ADD_FAILURE() << store.error().message();
    std::abort();
  }
  return std::move(store).value();
}

}  // namespace duet::oci
