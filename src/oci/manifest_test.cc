#include "oci/manifest.h"

#include <gtest/gtest.h>

#include "oci/digest.h"
#include "oci/platform.h"
#include "oci/shape.h"

namespace duet::oci {
namespace {

const std::string kD = digest_of("x");

std::string descriptor(const std::string& type, const std::string& digest = kD) {
  return R"({"mediaType":")" + type + R"(","digest":")" + digest + R"(","size":1})";
}

std::string manifest_json(const std::string& config_type, const std::string& layer_type,
                          const std::string& more = "") {
  return R"({"schemaVersion":2,"config":)" + descriptor(config_type) + R"(,"layers":[)" +
         descriptor(layer_type) + "]" + more + "}";
}

Result<Image> shape(const std::string& manifest_text, const std::string& config_text = "{}") {
  DUET_ASSIGN(const Manifest manifest, parse_manifest(manifest_text));
  DUET_ASSIGN(const Configuration configuration, parse_configuration(config_text));
  return recognize(kD, manifest, configuration);
}

std::string ordinary_config(
    const std::string& config,
    const std::string& platform = R"("os":"linux","architecture":"amd64")") {
  return "{" + platform + R"(,"config":)" + config + R"(,"rootfs":{"diff_ids":[")" + kD + "\"]}}";
}

const std::string kTar = "application/vnd.oci.image.layer.v1.tar+gzip";

TEST(Digest, MatchesAKnownValue) {
  EXPECT_EQ(digest_of("abc"),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_TRUE(is_digest(kD));
  EXPECT_FALSE(is_digest("sha256:ABC"));
  EXPECT_FALSE(is_digest(kD + "0"));
}

TEST(Manifest, BadDocumentsAreErrors) {
  const std::string cases[] = {
      "",
      "[]",
      "null",
      "{",
      "{}",
      "\xff\xfe",
      R"({"config":1})",
      R"({"config":{"digest":"sha256:xx","size":1}})",
      R"({"config":{"digest":")" + kD + R"("}})",
      R"({"config":{"digest":")" + kD + R"(","size":-1}})",
      R"({"config":{"digest":")" + kD + R"(","size":1e99}})",
      R"({"config":{"digest":")" + kD + R"(","size":18446744073709551615}})",
      R"({"config":{"digest":")" + kD + R"(","size":1},"layers":{}})",
      R"({"config":{"digest":")" + kD + R"(","size":1},"layers":[1]})",
      R"({"config":{"digest":")" + kD + R"(","size":1},"annotations":{"a":1}})",
      R"({"config":{"digest":")" + kD + R"(","size":1},"manifests":[]})",
      R"({"schemaVersion":1,"fsLayers":[]})",
      std::string(100'000, '['),
      std::string(5 << 20, ' '),
  };
  for (const auto& text : cases) {
    EXPECT_FALSE(parse_manifest(text).ok()) << text.substr(0, 100);
  }
  std::string many = R"({"config":)" + descriptor("x") + R"(,"layers":[)" + descriptor("l");
  for (int i = 0; i < 200; ++i) {
    many += "," + descriptor("l");
  }
  const auto parsed = parse_manifest(many + "]}");
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().code(), ErrorCode::kExhausted);
}

TEST(Manifest, ADocumentIsOneThing) {
  EXPECT_EQ(*document_kind("", R"({"manifests":[]})"), DocumentKind::kIndex);
  EXPECT_EQ(*document_kind("", manifest_json("a", "b")), DocumentKind::kManifest);
  EXPECT_FALSE(document_kind("", R"({"manifests":[],"layers":[]})").ok());
  EXPECT_FALSE(document_kind(kOciIndex, R"({"manifests":[],"config":{}})").ok());
  EXPECT_FALSE(document_kind("text/html", "{}").ok());
  EXPECT_FALSE(document_kind("", "{}").ok());
}

TEST(Index, SurvivesAWrittenCopy) {
  const auto index = parse_index(R"({"manifests":[{"mediaType":"m","digest":")" + kD +
                                 R"(","size":3,"annotations":{"a":"b"},"artifactType":"t",
      "platform":{"os":"linux","architecture":"arm","variant":"v7"}}]})");
  ASSERT_TRUE(index.ok());
  const auto again = parse_index(index_json(*index));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->entries[0].platform->variant, "v7");
  EXPECT_EQ(again->entries[0].descriptor.annotations.at("a"), "b");
  EXPECT_EQ(again->entries[0].artifact_type, "t");
}

Index index_of(std::initializer_list<Platform> platforms) {
  Index index;
  for (const auto& platform : platforms) {
    index.entries.push_back({.descriptor = {.digest = digest_of(platform.os + platform.variant)},
                             .platform = platform});
  }
  return index;
}

TEST(Platform, TheHostsOwnComesFirstThenWasm) {
  const Platform host{"linux", "amd64", ""};
  const auto both = index_of({{"wasi", "wasm", ""}, {"linux", "arm64", ""}, host});
  EXPECT_EQ(select_entry(both, host, Wanted::kAny)->platform, host);
  EXPECT_EQ(select_entry(both, host, Wanted::kWasm)->platform->os, "wasi");
  const auto wasm =
      index_of({{"wasi", "wasm", ""}, {"wasip1", "wasm", ""}, {"wasip2", "wasm", ""}});
  EXPECT_EQ(select_entry(wasm, host, Wanted::kAny)->platform->os, "wasip2");
}

TEST(Platform, ArmTakesTheNearestVariantThatRuns) {
  const auto index =
      index_of({{"linux", "arm", "v5"}, {"linux", "arm", "v6"}, {"linux", "arm", "v8"}});
  EXPECT_EQ(select_entry(index, {"linux", "arm", "v7"}, Wanted::kAny)->platform->variant, "v6");
}

TEST(Platform, SaysWhatThereIs) {
  const auto none = select_entry(index_of({{"windows", "amd64", ""}, {"linux", "s390x", ""}}),
                                 {"linux", "amd64", ""}, Wanted::kAny);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code(), ErrorCode::kNotFound);
  EXPECT_NE(none.error().message().find("windows/amd64, linux/s390x"), std::string::npos);
}

TEST(Shape, WasmArtifactsOfAllKinds) {
  const std::pair<const char*, const char*> cases[] = {
      {"application/vnd.wasm.config.v0+json", "application/wasm"},
      {"application/vnd.wasm.config.v1+json", "application/vnd.wasm.content.layer.v1+wasm"},
      {"application/vnd.module.wasm.config.v1+json",
       "application/vnd.module.wasm.content.layer.v1+wasm"},
      {"application/vnd.oci.empty.v1+json", "application/wasm"},
      {"application/vnd.oci.image.config.v1+json",
       "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm"},
  };
  for (const auto& [config, layer] : cases) {
    const auto image = shape(manifest_json(config, layer));
    ASSERT_TRUE(image.ok()) << config << ": " << image.error().message();
    EXPECT_EQ(image->kind, ImageKind::kWasm);
    EXPECT_EQ(image->module_path, "");
    EXPECT_EQ(image->module_blob.media_type, layer);
  }
}

TEST(Shape, OrdinaryImageWithAModuleAsEntrypoint) {
  const auto manifest = manifest_json(std::string(kOciConfig), kTar);
  const auto absolute = shape(manifest, ordinary_config(R"({"Entrypoint":["/app/./x.wasm","a"]})"));
  ASSERT_TRUE(absolute.ok());
  EXPECT_EQ(absolute->kind, ImageKind::kWasm);
  EXPECT_EQ(absolute->module_path, "app/x.wasm");
  const auto relative =
      shape(manifest, ordinary_config(R"({"Cmd":["../x.wasm"],"WorkingDir":"/srv/w"})"));
  EXPECT_EQ(relative->module_path, "srv/x.wasm");
  const auto container = shape(manifest, ordinary_config(R"({"Entrypoint":["sh","x.wasm"]})"));
  EXPECT_EQ(container->kind, ImageKind::kContainer);
  const auto compat =
      shape(manifest_json(std::string(kOciConfig), kTar,
                          R"(,"annotations":{"module.wasm.image/variant":"compat"})"),
            ordinary_config("{}"));
  EXPECT_EQ(compat->module_path, "plugin.wasm");
}

TEST(Shape, SaysWhatWasFoundWhenNothingFits) {
  const auto chart = shape(manifest_json("application/vnd.cncf.helm.config.v1+json",
                                         "application/vnd.cncf.helm.chart.content.v1.tar+gzip"));
  ASSERT_FALSE(chart.ok());
  EXPECT_EQ(chart.error().code(), ErrorCode::kUnsupported);
  EXPECT_NE(chart.error().message().find("vnd.cncf.helm.config"), std::string::npos);
  const auto no_module =
      shape(manifest_json(std::string(kOciConfig), kTar),
            ordinary_config(R"({"Entrypoint":["x"]})", R"("os":"wasi","architecture":"wasm")"));
  ASSERT_FALSE(no_module.ok());
  EXPECT_EQ(no_module.error().code(), ErrorCode::kUnsupported);
}

TEST(Shape, LayersAndTheirDigestsMustMatch) {
  const auto image = shape(manifest_json(std::string(kOciConfig), kTar),
                           R"({"os":"linux","architecture":"amd64","rootfs":{"diff_ids":[]}})");
  ASSERT_FALSE(image.ok());
  EXPECT_EQ(image.error().code(), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace duet::oci
