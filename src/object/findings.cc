#include "object/findings.h"

#include "object/format.h"

namespace duet::object {

using Type = MarkedNode::Type;

std::string Problem::describe() const {
  std::string out = file.empty() ? "" : file + ":";
  if (line > 0) {
    out += std::to_string(line) + ":" + (column > 0 ? std::to_string(column) + ":" : "");
  }
  out += out.empty() ? "" : " ";
  out += severity == Severity::kWarning ? "warning: " : "";
  return out + (field.empty() ? "" : field + ": ") + message;
}

void Findings::add(Problem::Severity severity, Mark mark, std::string field, std::string message) {
  errors_ += severity == Problem::Severity::kError ? 1 : 0;
  if (out_.size() < problem_limit_) {
    out_.push_back({severity, file_, mark.line, mark.column, std::move(field), std::move(message)});
    return;
  }
  // An error must be seen whatever the number of warnings before it.
  if (severity == Problem::Severity::kError && errors_ == 1 && !out_.empty()) {
    out_.back() = {severity, file_, mark.line, mark.column, std::move(field), std::move(message)};
  }
}

void Findings::error(Mark mark, std::string field, std::string message) {
  add(Problem::Severity::kError, mark, std::move(field), std::move(message));
}

void Findings::warning(Mark mark, std::string field, std::string message) {
  add(Problem::Severity::kWarning, mark, std::move(field), std::move(message));
}

std::string join_path(const std::string& path, std::string_view member) {
  const bool plain = member.size() <= 64 && !member.empty() && member[0] != '-' &&
                     member.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "0123456789_-") == std::string_view::npos;
  if (!plain) {
    return path + "[" + quote(member) + "]";
  }
  return path.empty() ? std::string(member) : path + "." + std::string(member);
}

Place Place::operator[](std::string_view member) const {
  const MarkedNode* found = node_ == nullptr ? nullptr : node_->find(member);
  return {found, join_path(path_, member), found == nullptr ? mark_ : found->mark, *findings_};
}

Place Place::item(size_t index) const {
  const MarkedNode* found = &node_->items[index];
  return {found, path_ + "[" + std::to_string(index) + "]", found->mark, *findings_};
}

void Place::each(const std::function<void(const Place&)>& visit) const {
  for (size_t i = 0; node_ != nullptr && i < node_->items.size(); ++i) {
    visit(item(i));
  }
}

std::string Place::text(std::string_view otherwise) const {
  return node_ != nullptr && node_->is(Type::kString) ? node_->text : std::string(otherwise);
}

bool Place::is_true() const { return node_ != nullptr && node_->is(Type::kBool) && node_->boolean; }

int64_t Place::integer(int64_t otherwise) const {
  return node_ != nullptr && node_->is(Type::kInteger) ? node_->integer : otherwise;
}

size_t Place::size() const {
  return node_ == nullptr ? 0 : node_->items.size() + node_->members.size();
}

}  // namespace duet::object
