#include <array>
#include <cstdio>

#include "cli/duration.h"
#include "cli/image_options.h"
#include "cli/json_text.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "oci/pack.h"
#include "oci/reference.h"

namespace duet::cli {
namespace {

constexpr Flag kPullFlags[] = {
    {"plain-http", 0, "REGISTRY", "Speak plain HTTP to this registry (host[:port])"},
    {"auth-file", 0, "PATH", "Credentials in the format of Docker's config.json"},
    {"ca-file", 0, "PATH", "Certificate authorities (PEM) to trust beside the system's"},
    {"wasm", 0, "", "Take the Wasm variant of an image that has several"},
};
constexpr Example kPullExamples[] = {
    {"From Docker Hub", "duet image pull redis:7"},
    {"From a registry without TLS",
     "duet image pull --plain-http reg.local:5000 reg.local:5000/till"},
};
constexpr Flag kImportFlags[] = {
    {"name", 0, "NAME", "The name to keep it under; by default those that the source records"},
    {"select", 0, "NAME", "Which image of a source that holds several"},
    {"wasm", 0, "", "Take the Wasm variant of an image that has several"},
};
constexpr Example kImportExamples[] = {
    {"What docker save wrote", "duet image import redis.tar"},
    {"A folder that skopeo or umoci made", "duet image import --name shop/till:v1 ./till-layout"},
};
constexpr Flag kPackFlags[] = {
    {"annotation", 0, "KEY=VALUE", "An annotation of the manifest; may be given again"},
};
constexpr Example kPackExamples[] = {
    {"A program that a manifest calls by this name",
     "duet image pack hello.wasm webassembly.azurecr.io/hello-wasm:v1"},
};
constexpr Flag kListFlags[] = {
    {"output", 'o', "FORMAT", "How to print: wide, json or name", "wide|json|name"},
};

std::string short_digest(const std::string& digest) {
  constexpr size_t kShown = 12;
  const size_t colon = digest.find(':');
  return colon == std::string::npos ? digest : digest.substr(colon + 1, kShown);
}

std::string kind_text(oci::ImageKind kind) {
  return kind == oci::ImageKind::kWasm ? "wasm" : "container";
}

void print_stored(const oci::Image& image) {
  std::printf("%s  %s  %s\n", image.name.c_str(), kind_text(image.kind).c_str(),
              image.manifest_digest.c_str());
}

oci::Wanted wanted_of(const Invocation& invocation) {
  return invocation.has("wasm") ? oci::Wanted::kWasm : oci::Wanted::kAny;
}

Result<int> run_pull(const Invocation& invocation) {
  if (invocation.words.empty()) {
    return usage_error(invocation, "name the images to pull");
  }
  DUET_ASSIGN(auto store, open_images(invocation));
  auto options = pull_options(invocation);
  options.wanted = wanted_of(invocation);
  for (const auto& reference : invocation.words) {
    DUET_ASSIGN(const auto image, pull_with_progress(store, reference, options));
    print_stored(image);
  }
  return 0;
}

Result<int> run_import(const Invocation& invocation) {
  if (invocation.words.size() != 1) {
    return usage_error(invocation, "name one archive or folder to import");
  }
  DUET_ASSIGN(auto store, open_images(invocation));
  const auto images = oci::import_images(store, invocation.words[0],
                                         {.name = invocation.value("name"),
                                          .select = invocation.value("select"),
                                          .wanted = wanted_of(invocation)});
  if (!images.ok()) {
    return command_error(images.error());
  }
  for (const auto& image : *images) {
    print_stored(image);
  }
  return 0;
}

Result<int> run_pack(const Invocation& invocation) {
  if (invocation.words.size() != 2) {
    return usage_error(invocation, "name the .wasm file and the image");
  }
  oci::PackOptions options{.name = invocation.words[1]};
  for (const auto& entry : invocation.values("annotation")) {
    const size_t equals = entry.find('=');
    if (equals == std::string::npos || equals == 0) {
      return usage_error(invocation, "--annotation must be KEY=VALUE, not \"" + entry + "\"");
    }
    options.annotations[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  DUET_ASSIGN(auto store, open_images(invocation));
  const auto image = oci::pack_module(store, invocation.words[0], options);
  if (!image.ok()) {
    return command_error(image.error());
  }
  print_stored(*image);
  return 0;
}

Result<int> run_remove(const Invocation& invocation) {
  if (invocation.words.empty()) {
    return usage_error(invocation, "name the images to remove");
  }
  DUET_ASSIGN(const auto store, open_images(invocation));
  int code = 0;
  for (const auto& name : invocation.words) {
    auto remover = store;
    if (const Status removed = remover.remove(name); !removed.ok()) {
      std::fprintf(stderr, "error: %s\n", removed.error().message().c_str());
      code = kExitFailure;
    } else {
      std::printf("image \"%s\" removed\n", name.c_str());
    }
  }
  return code;
}

Json summary_json(const oci::ImageSummary& image) {
  return {{"name", image.name},
          {"digest", image.target_digest},
          {"manifestDigest", image.manifest_digest},
          {"kind", kind_text(image.kind)},
          {"sizeBytes", image.size_bytes},
          {"created", image.created},
          {"problem", image.problem}};
}

Row summary_row(const oci::ImageSummary& image, bool wide, sys::WallTime now) {
  Row row = {image.name, image.problem.empty() ? kind_text(image.kind) : "broken",
             wide ? image.target_digest : short_digest(image.target_digest),
             human_size(image.size_bytes), image.created.empty() ? "" : age_of(image.created, now)};
  if (wide) {
    row.push_back(image.problem);
  }
  return row;
}

Result<int> run_list(const Invocation& invocation) {
  DUET_ASSIGN(const auto store, open_images(invocation));
  const auto images = store.list();
  if (!images.ok()) {
    return command_error(images.error());
  }
  const std::string output = invocation.value("output");
  if (output == "json") {
    Json list = Json::array();
    for (const auto& image : *images) {
      list.push_back(summary_json(image));
    }
    std::printf("%s\n", list.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
    return 0;
  }
  const bool wide = output == "wide";
  std::vector<Row> rows = {{"NAME", "KIND", "DIGEST", "SIZE", "CREATED"}};
  if (wide) {
    rows[0].emplace_back("PROBLEM");
  }
  for (const auto& image : *images) {
    if (output == "name") {
      std::printf("%s\n", image.name.c_str());
    } else {
      rows.push_back(summary_row(image, wide, sys::SystemClock().now()));
    }
  }
  if (output != "name") {
    std::fputs(format_table(rows).c_str(), stdout);
  }
  return 0;
}

std::span<const Verb> image_verbs() {
  static const std::array kVerbs = {
      Verb{.name = "image pull",
           .arguments = "NAME...",
           .summary = "Bring images from their registries",
           .description =
               "An interrupted pull goes on where it was. Registries are spoken to over HTTPS;\n"
               "those on loopback, and those named by --plain-http, over HTTP too.",
           .flags = kPullFlags,
           .examples = kPullExamples,
           .run = run_pull},
      Verb{.name = "image import",
           .arguments = "PATH",
           .summary = "Take images from an archive or an OCI layout",
           .description =
               "PATH is an OCI image layout, as a folder or tar, or what docker save writes.",
           .flags = kImportFlags,
           .examples = kImportExamples,
           .run = run_import,
           .words = Words::kFiles},
      Verb{.name = "image list",
           .arguments = "",
           .summary = "List the node's images",
           .description = "",
           .flags = kListFlags,
           .examples = {},
           .run = run_list},
      Verb{.name = "image pack",
           .arguments = "FILE.wasm NAME",
           .summary = "Make an image of a WebAssembly file",
           .description =
               "The image is the Wasm OCI artifact that registries and other runtimes take. The\n"
               "same file always makes the same digest.",
           .flags = kPackFlags,
           .examples = kPackExamples,
           .run = run_pack,
           .words = Words::kFiles},
      Verb{.name = "image rm",
           .arguments = "NAME...",
           .summary = "Forget images",
           .description = "Their content is removed by the node once nothing else needs it.",
           .flags = {},
           .examples = {},
           .run = run_remove,
           .words = Words::kImages},
  };
  return kVerbs;
}

}  // namespace

Verb image_verb() {
  return {.name = "image",
          .arguments = "COMMAND",
          .summary = "Pull, import, list, pack and remove images",
          .description =
              "Works on the node's content store directly, whether a node runs or not. Images\n"
              "are of containers or of WebAssembly; the store is an OCI image layout.",
          .flags = {},
          .examples = {},
          .verbs = image_verbs()};
}

}  // namespace duet::cli
