#include "oci/pack.h"

#include <fcntl.h>
#include <unistd.h>

#include "oci/digest.h"
#include "oci/fixture_test.h"
#include "oci/module.h"
#include "sys/file.h"

namespace duet::oci {
namespace {

class PackTest : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& content) {
    EXPECT_TRUE(sys::write_file(folder_ / name, content).ok());
    return folder_ / name;
  }
  Result<std::vector<Image>> import(const std::string& path, ImportOptions options = {}) {
    options.helper = built_helper();
    return import_images(store_, path, options);
  }
  std::string read_module(const Image& image) {
    const auto fd = open_module(store_, image, built_helper());
    return fd.ok() ? sys::read_all(fd->get(), 1 << 20).value_or("") : fd.error().message();
  }

  TemporaryFolder folder_;
  ContentStore store_ = open_store(folder_ / "images");
};

TEST_F(PackTest, MakesTheCncfArtifact) {
  const auto core = pack_module(store_, write("a.wasm", core_module()), {.name = "h.io/core:v1"});
  ASSERT_TRUE(core.ok()) << core.error().message();
  EXPECT_EQ(core->kind, ImageKind::kWasm);
  EXPECT_EQ(core->platform, (Platform{"wasip1", "wasm", ""}));
  EXPECT_EQ(core->module_blob.media_type, "application/wasm");
  EXPECT_EQ(read_module(*core), core_module());
  const auto again = pack_module(store_, folder_ / "a.wasm", {.name = "h.io/core:v2"});
  EXPECT_EQ(again->manifest_digest, core->manifest_digest);
  const auto comp = pack_module(store_, write("b.wasm", component()), {.name = "h.io/comp"});
  EXPECT_EQ(comp->platform.os, "wasip2");
  EXPECT_EQ(store_.resolve("h.io/core:v1", Wanted::kWasm)->manifest_digest, core->manifest_digest);
  must_run({"skopeo", "inspect", "--raw", "oci:" + store_.path() + ":h.io/core:v1"});
}

TEST_F(PackTest, RefusesWhatIsNotWebAssembly) {
  for (const auto& [content, words] : std::vector<std::pair<std::string, std::string>>{
           {"", "empty"},
           {"(module)", "text"},
           {"\x7f"
            "ELFxxxx",
            "Linux"},
           {std::string("\0asm", 4), "not a WebAssembly"},
           {std::string("\0asm\7\0\0\0", 8), "unknown version"}}) {
    const auto packed = pack_module(store_, write("x", content), {.name = "x"});
    ASSERT_FALSE(packed.ok());
    EXPECT_EQ(packed.error().code(), ErrorCode::kInvalid);
    EXPECT_NE(packed.error().message().find(words), std::string::npos) << packed.error().message();
  }
  EXPECT_FALSE(pack_module(store_, folder_.path(), {.name = "x"}).ok());
  EXPECT_EQ(pack_module(store_, folder_ / "none", {.name = "x"}).error().code(),
            ErrorCode::kNotFound);
  EXPECT_EQ(store_.list()->size(), 0U);
}

TEST_F(PackTest, ModulesInLayersAreFoundInTheTopmost) {
  const std::string config = R"({"Entrypoint":["/app/x.wasm"]})";
  const auto image =
      store_image(store_, "layers",
                  {make_tar({{"app/x.wasm", component()}}),
                   make_tar({{"./app/x.wasm", core_module()}}), make_tar({{"other", "1"}})},
                  config);
  ASSERT_TRUE(image.ok()) << image.error().message();
  EXPECT_EQ(image->kind, ImageKind::kWasm);
  EXPECT_EQ(read_module(*image), core_module());
}

TEST_F(PackTest, WhiteoutsHideModules) {
  const std::string config = R"({"Entrypoint":["/app/x.wasm"]})";
  for (const char* whiteout : {"app/.wh.x.wasm", ".wh.app", "app/.wh..wh..opq", ".wh..wh..opq"}) {
    const auto image = store_image(
        store_, "white", {make_tar({{"app/x.wasm", core_module()}}), make_tar({{whiteout, ""}})},
        config);
    const auto module = open_module(store_, *image, built_helper());
    ASSERT_FALSE(module.ok()) << whiteout;
    EXPECT_EQ(module.error().code(), ErrorCode::kInvalid);
  }
  const auto image = store_image(
      store_, "white", {make_tar({{".wh.app", ""}, {"app/x.wasm", core_module()}})}, config);
  EXPECT_EQ(read_module(*image), core_module());
}

TEST_F(PackTest, ModulesThatAreNone) {
  const std::string config = R"({"Entrypoint":["/x.wasm"]})";
  const auto text = store_image(store_, "text", {make_tar({{"x.wasm", "#!/bin/sh\n"}})}, config);
  EXPECT_EQ(open_module(store_, *text, built_helper()).error().code(), ErrorCode::kCorrupt);
  const auto junk = store_image(store_, "junk", {std::string(5000, 'j')}, config);
  EXPECT_FALSE(open_module(store_, *junk, built_helper()).ok());
  const auto cut = store_image(
      store_, "cut",
      {make_tar({{"x.wasm", core_module() + std::string(50'000, 'x')}}).substr(0, 9000)}, config);
  EXPECT_EQ(open_module(store_, *cut, built_helper()).error().code(), ErrorCode::kCorrupt);
  const auto container = store_image(store_, "c", {make_tar({{"x", ""}})}, "{}");
  EXPECT_EQ(open_module(store_, *container, built_helper()).error().code(), ErrorCode::kInvalid);
}

TEST_F(PackTest, ImportsArchivesThatSkopeoMakes) {
  make_container_layout(folder_ / "layout");
  const std::string source = "oci:" + (folder_ / "layout") + ":app";
  must_run({"skopeo", "copy", source, "oci-archive:" + (folder_ / "o.tar") + ":h.io/o:v1"});
  must_run({"skopeo", "copy", source, "docker-archive:" + (folder_ / "d.tar") + ":h.io/d:v1"});
  must_run({"gzip", "-k", folder_ / "d.tar"});
  const auto oci = import(folder_ / "o.tar");
  ASSERT_TRUE(oci.ok()) << oci.error().message();
  EXPECT_EQ(oci->at(0).name, "h.io/o:v1");
  const auto docker = import(folder_ / "d.tar");
  ASSERT_TRUE(docker.ok()) << docker.error().message();
  EXPECT_EQ(docker->at(0).name, "h.io/d:v1");
  EXPECT_EQ(docker->at(0).config.entrypoint, oci->at(0).config.entrypoint);
  EXPECT_EQ(docker->at(0).layers[0].diff_id, oci->at(0).layers[0].diff_id);
  EXPECT_EQ(docker->at(0).layers[0].blob.digest, docker->at(0).layers[0].diff_id);
  const auto zipped = import(folder_ / "d.tar.gz", {.name = "zipped"});
  ASSERT_TRUE(zipped.ok()) << zipped.error().message();
  EXPECT_EQ(zipped->at(0).manifest_digest, docker->at(0).manifest_digest);
  must_run({"umoci", "unpack", "--rootless", "--image", store_.path() + ":h.io/d:v1",
            folder_ / "bundle"});
  EXPECT_TRUE(sys::file_exists(folder_ / "bundle/rootfs/etc/motd"));
  EXPECT_EQ(sys::list_directory(store_.path() + "/ingest")->size(), 0U);
}

TEST_F(PackTest, LayoutsNeedANameOrRecordOne) {
  make_container_layout(folder_ / "layout");
  const auto nameless = import(folder_ / "layout");
  ASSERT_FALSE(nameless.ok());
  EXPECT_EQ(nameless.error().code(), ErrorCode::kInvalid);
  EXPECT_EQ(import(folder_ / "layout", {.name = "a", .select = "none"}).error().code(),
            ErrorCode::kNotFound);
  EXPECT_TRUE(import(folder_ / "layout", {.name = "a", .select = "app"}).ok());
}

TEST_F(PackTest, HostileArchivesAreErrors) {
  const Digest other = digest_of("other");
  const std::string wrong = "blobs/sha256/" + std::string(digest_hex(other));
  const std::vector<std::pair<std::string, ErrorCode>> cases = {
      {"", ErrorCode::kInvalid},
      {std::string(100'000, 'x'), ErrorCode::kInvalid},
      {make_tar({{"../../etc/passwd", "x"}}), ErrorCode::kInvalid},
      {make_tar({{"readme", "x"}}), ErrorCode::kInvalid},
      {make_tar({{wrong, "content"}}), ErrorCode::kCorrupt},
      {make_tar({{"manifest.json", R"([{"Config":"/etc/passwd","Layers":[]}])"}}),
       ErrorCode::kCorrupt},
      {make_tar({{"manifest.json", R"([{"Config":7}])"}}), ErrorCode::kCorrupt},
      {make_tar({{"manifest.json", "{"}}), ErrorCode::kCorrupt},
      {make_tar({{"oci-layout", "{}"}, {"index.json", "[]"}}), ErrorCode::kCorrupt},
      {make_tar(
           {{"oci-layout", "{}"},
            {"index.json",
             R"({"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":")" +
                 other + R"(","size":5}]})"}}),
       ErrorCode::kNotFound},
      {make_tar({{"big", std::string(1 << 20, 'x')}}), ErrorCode::kExhausted},
      {make_tar({{"manifest.json", std::string(60'000, ' ')}}).substr(0, 30'000),
       ErrorCode::kCorrupt},
  };
  for (size_t i = 0; i < cases.size(); ++i) {
    const auto imported =
        import(write("bad.tar", cases[i].first), {.name = "bad", .size_limit_bytes = 500'000});
    ASSERT_FALSE(imported.ok()) << i;
    EXPECT_EQ(imported.error().code(), cases[i].second) << i << ": " << imported.error().message();
  }
  EXPECT_EQ(store_.list()->size(), 0U);
}

TEST_F(PackTest, LayoutsCannotReachOutside) {
  make_container_layout(folder_ / "layout");
  const auto index = sys::read_file(folder_ / "layout/index.json", 1 << 20).value_or("");
  const std::string hex = index.substr(index.find("sha256:") + 7, 64);
  const std::string manifest = folder_ / ("layout/blobs/sha256/" + hex);
  must_run({"mv", manifest, folder_ / "elsewhere"});
  ASSERT_EQ(::symlink((folder_ / "elsewhere").c_str(), manifest.c_str()), 0);
  EXPECT_EQ(import(folder_ / "layout", {.name = "a"}).error().code(), ErrorCode::kInvalid);
  EXPECT_FALSE(import("/dev/null", {.name = "a"}).ok());
  EXPECT_EQ(import(folder_ / "none", {.name = "a"}).error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace duet::oci
