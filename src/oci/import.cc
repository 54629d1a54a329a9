#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "oci/download_folder.h"
#include "oci/helper_process.h"
#include "oci/layout_folder.h"
#include "oci/name_index.h"
#include "oci/pack.h"
#include "oci/reference.h"
#include "sys/file.h"

namespace duet::oci {

namespace {

// Removes a scratch folder when the work is over.
class Scratch {
 public:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { (void)sys::remove_tree(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// What a source calls the image: containerd's annotation holds a whole name, the standard one may
// hold only a tag.
std::string recorded_name(const IndexEntry& entry) {
  const auto& annotations = entry.descriptor.annotations;
  const auto whole = annotations.find("io.containerd.image.name");
  return whole != annotations.end() ? whole->second : entry_name(entry);
}

bool is_whole_name(const std::string& name) {
  return name.find('/') != std::string::npos || name.find(':') != std::string::npos;
}

// One image to take and the name to give it.
struct Choice {
  Descriptor target;
  std::string name;
};

Result<std::vector<Choice>> choose(const Index& index, const ImportOptions& options) {
  std::vector<Choice> choices;
  std::string names;
  for (const IndexEntry& entry : index.entries) {
    const std::string recorded = recorded_name(entry);
    names += (names.empty() ? "" : ", ") + (recorded.empty() ? "one without a name" : recorded);
    if (options.select.empty() || options.select == recorded ||
        options.select == entry_name(entry)) {
      choices.push_back({entry.descriptor, options.name.empty() ? recorded : options.name});
    }
  }
  if (choices.empty()) {
    return not_found(options.select.empty()
                         ? "it holds no image"
                         : "it does not hold " + options.select + "; it holds: " + names);
  }
  const bool same = std::all_of(choices.begin(), choices.end(), [&](const Choice& choice) {
    return choice.target.digest == choices.front().target.digest;
  });
  if (!options.name.empty() && !same) {
    return invalid("it holds several images, of which one must be selected: " + names);
  }
  if (!options.name.empty()) {
    choices.resize(1);
  }
  for (const Choice& choice : choices) {
    if (options.name.empty() && !is_whole_name(choice.name)) {
      return invalid("it records no whole name for an image (\"" + choice.name +
                     "\"): say under which name to store it");
    }
  }
  return choices;
}

Result<std::vector<Image>> import_layout(ContentStore& store, int layout,
                                         const ImportOptions& options) {
  DUET_ASSIGN(const Index index, read_layout_index(layout));
  DUET_ASSIGN(const auto choices, choose(index, options));
  std::vector<Image> images;
  for (const Choice& choice : choices) {
    DUET_ASSIGN(Image image, store.adopt(layout, choice.target, choice.name, options.wanted,
                                         options.size_limit_bytes));
    images.push_back(std::move(image));
  }
  return images;
}

Result<std::vector<Image>> import_archive(ContentStore& store, int archive,
                                          const ImportOptions& options) {
  DUET_ASSIGN(const auto writing,
              store.begin_writing());  // keeps the scratch folder from collection
  DUET_ASSIGN(std::string path,
              sys::make_temporary_directory(store.path() + "/ingest", kScratchPrefix));
  const Scratch scratch(std::move(path));
  DUET_TRY(prepare_layout_folder(scratch.path(), options.helper.uid, options.helper.gid));
  DUET_ASSIGN(const sys::Fd folder, open_folder(scratch.path()));
  DUET_ASSIGN(const HelperEvent event,
              run_helper(options.helper, {.archive = ArchiveRequest{options.size_limit_bytes}},
                         folder.get(), archive, options.timeout_ms));
  if (!event.done) {
    return internal("duet-pull did not finish");
  }
  return import_layout(store, folder.get(), options);
}

Result<std::vector<Image>> import_from(ContentStore& store, const std::string& path,
                                       const ImportOptions& options) {
  DUET_ASSIGN(const sys::Fd source, sys::open_file(path, O_RDONLY | O_NONBLOCK));
  struct stat info{};
  if (::fstat(source.get(), &info) != 0) {
    return Error::from_errno("stat", errno);
  }
  if (S_ISDIR(info.st_mode)) {
    if (!open_inside(source.get(), "oci-layout").ok()) {
      return invalid("not an OCI layout: the folder has no file oci-layout");
    }
    return import_layout(store, source.get(), options);
  }
  if (!S_ISREG(info.st_mode)) {
    return invalid("neither a folder nor a regular file");
  }
  return import_archive(store, source.get(), options);
}

}  // namespace

Result<std::vector<Image>> import_images(ContentStore& store, const std::string& path,
                                         const ImportOptions& options) {
  auto images = import_from(store, path, options);
  if (!images.ok()) {
    return images.error().wrap("import " + path);
  }
  return images;
}

}  // namespace duet::oci
