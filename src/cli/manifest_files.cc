#include "cli/manifest_files.h"

#include <sys/stat.h>

#include <cstdio>

#include "object/kind.h"
#include "sys/file.h"

namespace duet::cli {
namespace {

constexpr size_t kFileLimit = 10'000;  // of one command

bool is_folder(const std::string& path) {
  struct stat info{};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool is_manifest_name(const std::string& name) {
  return !name.starts_with('.') &&
         (name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json"));
}

Status list_folder(const std::string& path, bool recursive, std::vector<std::string>& out) {
  DUET_ASSIGN(const auto names, sys::list_directory(path));
  for (const auto& name : names) {
    const std::string inner = path + "/" + name;
    if (is_folder(inner)) {
      if (recursive && !name.starts_with('.')) {
        DUET_TRY(list_folder(inner, recursive, out));
      }
    } else if (is_manifest_name(name)) {
      out.push_back(inner);
    }
    if (out.size() > kFileLimit) {
      return Error(ErrorCode::kExhausted,
                   path + ": more than " + std::to_string(kFileLimit) + " manifest files");
    }
  }
  return {};
}

Result<std::string> read_text(const std::string& path) {
  const object::ManifestLimits limits;
  return path == "-" ? sys::read_all(0, limits.size_bytes)
                     : sys::read_file(path, limits.size_bytes);
}

}  // namespace

Result<ManifestFiles> read_manifest_files(const std::vector<std::string>& paths, bool recursive,
                                          const std::string& default_namespace) {
  std::vector<std::string> files;
  for (const auto& path : paths) {
    if (path != "-" && is_folder(path)) {
      DUET_TRY(list_folder(path, recursive, files));
    } else {
      files.push_back(path);
    }
  }
  ManifestFiles out;
  for (const auto& file : files) {
    DUET_ASSIGN(const std::string text, read_text(file));
    auto manifest = object::parse_manifest(text, file == "-" ? "<stdin>" : file, default_namespace);
    out.ok = out.ok && manifest.ok();
    out.objects.insert(out.objects.end(), manifest.objects.begin(), manifest.objects.end());
    out.problems.insert(out.problems.end(), manifest.problems.begin(), manifest.problems.end());
  }
  return out;
}

Result<std::vector<object::ManifestObject>> manifests_of(const Invocation& invocation) {
  auto files = read_manifest_files(invocation.values("filename"), invocation.has("recursive"),
                                   invocation.ns());
  if (!files.ok()) {
    return Error(files.error().code(), "error: " + files.error().message());
  }
  for (const auto& problem : files->problems) {
    const bool error = problem.severity == object::Problem::Severity::kError;
    std::fprintf(stderr, "%s%s\n", error ? "" : "Warning: ", problem.describe().c_str());
  }
  if (!files->ok) {
    return invalid("error: nothing was done: the manifests have errors");
  }
  if (files->objects.empty()) {
    return invalid("error: no objects found in the manifests");
  }
  const std::string insisted = invocation.value("namespace");
  for (const auto& one : files->objects) {
    const auto& key = one.object.key;
    if (!insisted.empty() && !key.ns.empty() && key.ns != insisted) {
      return invalid("error: " + object::describe(key) + " is of the namespace \"" + key.ns +
                     "\", which does not match --namespace=" + insisted);
    }
  }
  return std::move(files->objects);
}

}  // namespace duet::cli
