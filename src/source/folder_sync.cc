#include "source/folder_sync.h"

#include <fcntl.h>

#include <algorithm>
#include <set>
#include <utility>

#include "object/kind.h"
#include "object/source_mark.h"
#include "sys/file.h"
#include "sys/read_lease.h"

namespace duet::source {
namespace {

using object::Kind;
using Type = FolderChange::Type;

constexpr const char* kSource = "folder";

// What others refer to comes first, and goes last.
int rank_of(Kind kind) {
  switch (kind) {
    case Kind::kNamespace:
      return 0;
    case Kind::kConfigMap:
    case Kind::kSecret:
      return 1;
    case Kind::kService:
    case Kind::kEndpointSlice:
      return 2;
    case Kind::kDeployment:
      return 3;
    case Kind::kPod:
      return 4;
    case Kind::kIngress:
    case Kind::kHttpRoute:
      return 5;
    case Kind::kEvent:
      return 6;
  }
  return 6;
}

Result<std::string> read_text(const ManifestFile& file, size_t limit_bytes) {
  // Whatever stands there by now, opening it must not wait for a writer.
  DUET_ASSIGN(const sys::Fd fd, sys::open_file(file.path, O_RDONLY | O_NONBLOCK));
  DUET_ASSIGN(const sys::ReadLease lease, sys::ReadLease::take(fd.get()));
  return sys::read_all(fd.get(), limit_bytes);
}

// A file that is emptied on its way to something new, or that a power cut left without its content.
bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

object::Problem problem_at(const std::string& file, int line, const std::string& message) {
  object::Problem problem;
  problem.file = file;
  problem.line = line;
  problem.message = message;
  return problem;
}

}  // namespace

FolderSync::Outcome FolderSync::run(const ManifestFiles& files) {
  outcome_ = {};
  outcome_.report.first = std::exchange(first_, false);
  unknown_ = files.unknown;
  problems_ = files.problems;
  read_files(files);
  std::vector<Wish> wishes = collect_wishes(files);
  std::stable_sort(wishes.begin(), wishes.end(), [](const Wish& a, const Wish& b) {
    return rank_of(a.entry->key.kind) < rank_of(b.entry->key.kind);
  });
  for (const Wish& wish : wishes) {
    apply(wish);
  }
  const Status removed = remove_vanished(wishes);
  if (!removed.ok()) {
    problems_.push_back(problem_at("", 0, removed.error().message()));
    outcome_.waits = true;
  }
  open_.clear();
  for (object::Problem& problem : problems_) {
    outcome_.report.changes.push_back(
        {Type::kProblem, problem.file, std::nullopt, std::move(problem)});
  }
  outcome_.news = is_news();
  return std::move(outcome_);
}

void FolderSync::read_files(const ManifestFiles& files) {
  std::map<std::string, Known> known;
  for (const ManifestFile& file : files.files) {
    const auto before = known_.find(file.path);
    Known& now = known[file.path];
    now = before != known_.end() && before->second.stamp == file.stamp ? std::move(before->second)
                                                                       : read_file(file);
    problems_.insert(problems_.end(), now.problems.begin(), now.problems.end());
  }
  known_ = std::move(known);
}

FolderSync::Known FolderSync::read_file(const ManifestFile& file) {
  Known known{file.stamp, file.shown, false, {}, {}};
  const auto text = read_text(file, options_.size_bytes);
  if (!text.ok() && text.error().code() == ErrorCode::kConflict) {
    outcome_.waits = true;
    return keep_file(std::move(known), "is being written; it is read when that has ended");
  }
  if (!text.ok()) {
    known.broken = true;
    known.problems.push_back(problem_at(file.shown, 0, text.error().message()));
    return known;
  }
  if (is_blank(*text)) {
    return keep_file(std::move(known),
                     "is empty; what it brought stays. Remove the file to remove that");
  }
  object::ManifestLimits limits;
  limits.size_bytes = options_.size_bytes;
  object::Manifest manifest =
      object::parse_manifest(*text, file.shown, options_.default_namespace, limits);
  known.broken = !manifest.ok();
  known.problems = manifest.problems;
  for (const object::ManifestObject& object : manifest.objects) {
    auto fingerprint = fingerprint_of(object.object);
    if (!fingerprint.ok()) {
      known.broken = true;
      known.problems.push_back(problem_at(file.shown, object.line, fingerprint.error().message()));
      continue;
    }
    known.entries.push_back({object.object.key, std::move(*fingerprint), object.line});
  }
  open_[file.path] = std::move(manifest);
  return known;
}

// Nothing is wrong with the file, but it says nothing now.
FolderSync::Known FolderSync::keep_file(Known known, const std::string& why) {
  known.stamp = {};  // as if it had never been read
  known.broken = true;
  known.problems.push_back(problem_at(known.shown, 0, why));
  known.problems.back().severity = object::Problem::Severity::kWarning;
  return known;
}

// A file that holds an error brings nothing; of two that want the same object the first wins.
std::vector<FolderSync::Wish> FolderSync::collect_wishes(const ManifestFiles& files) {
  std::vector<Wish> wishes;
  std::map<object::ObjectKey, Wish> taken;
  for (const ManifestFile& file : files.files) {
    const Known& known = known_.at(file.path);
    if (known.broken) {
      continue;
    }
    for (const Entry& entry : known.entries) {
      const Wish wish{file.path, &entry};
      const auto [first, fresh] = taken.emplace(entry.key, wish);
      if (fresh) {
        wishes.push_back(wish);
        continue;
      }
      const Wish& winner = first->second;
      tell_problem(wish, object::describe(entry.key) + " stands already at " +
                             known_.at(winner.path).shown + ":" +
                             std::to_string(winner.entry->line) +
                             ", which is the one that counts; remove one of the two");
    }
  }
  return wishes;
}

void FolderSync::apply(const Wish& wish) {
  const auto stored = store_.get(wish.entry->key);
  if (!stored.ok()) {
    return stored.error().code() == ErrorCode::kNotFound ? create(wish)
                                                         : tell_failure(wish, stored.error());
  }
  const Ownership ownership = ownership_of(*stored);
  if (ownership.deleting) {
    outcome_.waits = true;  // it is made anew when it is gone
    return;
  }
  if (ownership.source != kSource) {
    // A namespace that is there is all that a manifest can want of it.
    if (wish.entry->key.kind == Kind::kNamespace) {
      return tell(Type::kUnchanged, wish);
    }
    return tell_problem(wish, object::describe(wish.entry->key) +
                                  " is in the store already and did not come from these files; "
                                  "it stays as it is. Delete it to let this file have it");
  }
  if (ownership.file != wish.path && is_kept(ownership.file)) {
    return tell_problem(wish, object::describe(wish.entry->key) + " came from " + ownership.file +
                                  ", which cannot be read now; it stays as it is");
  }
  if (ownership.fingerprint == wish.entry->fingerprint && ownership.file == wish.path) {
    return tell(Type::kUnchanged, wish);
  }
  change(wish, *stored, ownership);
}

void FolderSync::create(const Wish& wish) {
  const auto object = marked_object(wish);
  if (!object.ok()) {
    return tell_failure(wish, object.error());
  }
  const auto made = store_.create(*object);
  if (!made.ok()) {
    return tell_failure(wish, made.error());
  }
  tell(Type::kCreated, wish);
}

void FolderSync::change(const Wish& wish, const object::Object& stored,
                        const Ownership& ownership) {
  // What a Pod runs cannot be exchanged under it.
  if (stored.key.kind == Kind::kPod && ownership.fingerprint.spec != wish.entry->fingerprint.spec) {
    const Status removed = store_.remove(stored.key, {.uid = stored.uid});
    if (!removed.ok()) {
      return tell_failure(wish, removed.error());
    }
    outcome_.waits = true;
    return tell(Type::kReplacing, wish);
  }
  auto object = marked_object(wish);
  if (!object.ok()) {
    return tell_failure(wish, object.error());
  }
  object->uid = stored.uid;
  object->resource_version = stored.resource_version;
  const auto updated = store_.update(*object);
  if (!updated.ok()) {
    return tell_failure(wish, updated.error());
  }
  tell(ownership.fingerprint == wish.entry->fingerprint ? Type::kUnchanged : Type::kUpdated, wish);
}

Status FolderSync::remove_vanished(const std::vector<Wish>& wishes) {
  std::set<object::ObjectKey> wanted;
  for (const Wish& wish : wishes) {
    wanted.insert(wish.entry->key);
  }
  DUET_ASSIGN(std::vector<Stored> owned, list_owned());
  std::erase_if(owned, [&](const Stored& stored) {
    return wanted.contains(stored.key) || stored.ownership.deleting ||
           is_kept(stored.ownership.file);
  });
  std::stable_sort(owned.begin(), owned.end(), [](const Stored& a, const Stored& b) {
    return rank_of(a.key.kind) > rank_of(b.key.kind);
  });
  for (const Stored& stored : owned) {
    const Status removed = store_.remove(stored.key, {.uid = stored.uid});
    if (removed.ok()) {
      outcome_.report.changes.push_back({Type::kRemoved, stored.ownership.file, stored.key, {}});
    } else if (removed.error().code() != ErrorCode::kNotFound) {
      problems_.push_back(problem_at(stored.ownership.file, 0, removed.error().message()));
    }
  }
  return {};
}

Result<std::vector<FolderSync::Stored>> FolderSync::list_owned() {
  std::vector<Stored> owned;
  for (const object::KindInfo& info : object::all_kinds()) {
    if (info.kind == Kind::kEvent) {
      continue;
    }
    DUET_ASSIGN(const store::Listing listing, store_.list(info.kind));
    for (const object::Object& object : listing.objects) {
      // Most objects are not ours: the name of the mark in the text is cheaper to look for.
      if (object.json.find(object::kSourceAnnotation) == std::string::npos) {
        continue;
      }
      Ownership ownership = ownership_of(object);
      if (ownership.source == kSource) {
        owned.push_back({object.key, object.uid, std::move(ownership)});
      }
    }
  }
  return owned;
}

Result<object::Object> FolderSync::marked_object(const Wish& wish) {
  if (!open_.contains(wish.path)) {
    const ManifestFile file{wish.path, known_.at(wish.path).shown, {}};
    DUET_ASSIGN(const std::string text, read_text(file, options_.size_bytes));
    object::ManifestLimits limits;
    limits.size_bytes = options_.size_bytes;
    open_[wish.path] = object::parse_manifest(text, file.shown, options_.default_namespace, limits);
  }
  for (const object::ManifestObject& object : open_[wish.path].objects) {
    if (object.object.key == wish.entry->key) {
      DUET_ASSIGN(const Fingerprint fingerprint, fingerprint_of(object.object));
      return with_ownership(object.object, kSource, wish.path, fingerprint);
    }
  }
  return Error(ErrorCode::kConflict, "the file was changed while it was read");
}

bool FolderSync::is_kept(const std::string& path) const {
  const auto known = known_.find(path);
  return (known != known_.end() && known->second.broken) || is_below(path, unknown_);
}

void FolderSync::tell(Type type, const Wish& wish) {
  outcome_.report.changes.push_back({type, known_.at(wish.path).shown, wish.entry->key, {}});
}

void FolderSync::tell_problem(const Wish& wish, const std::string& message) {
  problems_.push_back(problem_at(known_.at(wish.path).shown, wish.entry->line, message));
}

void FolderSync::tell_failure(const Wish& wish, const Error& error) {
  // Changed meanwhile, or its namespace is still going: both pass.
  outcome_.waits = outcome_.waits || error.code() == ErrorCode::kConflict;
  tell_problem(wish, error.message());
}

bool FolderSync::is_news() {
  std::vector<std::string> problems;
  bool changed = outcome_.report.first;
  for (const FolderChange& change : outcome_.report.changes) {
    if (change.type == Type::kProblem) {
      problems.push_back(change.problem.describe());
    } else {
      changed = changed || change.type != Type::kUnchanged;
    }
  }
  changed = changed || problems != last_problems_;
  last_problems_ = std::move(problems);
  return changed;
}

}  // namespace duet::source
