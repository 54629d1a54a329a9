#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "object/manifest.h"
#include "object/marked_node.h"

namespace duet::object {

// Collects problems up to a bound. Not thread-safe.
class Findings {
 public:
  Findings(std::string file, size_t problem_limit, std::vector<Problem>& out)
      : file_(std::move(file)), problem_limit_(problem_limit), out_(out) {}

  void error(Mark mark, std::string field, std::string message);
  void warning(Mark mark, std::string field, std::string message);
  size_t errors() const { return errors_; }  // those beyond the bound included

 private:
  void add(Problem::Severity severity, Mark mark, std::string field, std::string message);

  std::string file_;
  size_t problem_limit_;
  std::vector<Problem>& out_;
  size_t errors_ = 0;
};

// A value in a manifest, or the place where one is missing, with its path. Copies are cheap enough
// for checking; must not outlive the document or the findings.
class Place {
 public:
  Place(const MarkedNode* node, std::string path, Mark mark, Findings& findings)
      : node_(node), path_(std::move(path)), mark_(mark), findings_(&findings) {}

  // Missing and null members are absent, and stand where their parent does.
  Place operator[](std::string_view member) const;
  Place item(size_t index) const;
  // Calls `visit` for each item of a list, and for nothing when this is no list.
  void each(const std::function<void(const Place&)>& visit) const;

  bool present() const { return node_ != nullptr; }
  const MarkedNode* node() const { return node_; }
  const std::string& path() const { return path_; }
  Mark mark() const { return mark_; }
  Findings& findings() const { return *findings_; }

  // The value where it has the type asked for, else the default.
  std::string text(std::string_view otherwise = "") const;
  bool is_true() const;
  int64_t integer(int64_t otherwise = 0) const;
  size_t size() const;  // of a list or map

  void error(std::string message) const { findings_->error(mark_, path_, std::move(message)); }
  void warning(std::string message) const { findings_->warning(mark_, path_, std::move(message)); }

 private:
  const MarkedNode* node_;
  std::string path_;
  Mark mark_;
  Findings* findings_;
};

// "spec" and "containers" to "spec.containers"; keys with dots and slashes go in brackets.
std::string join_path(const std::string& path, std::string_view member);

}  // namespace duet::object
