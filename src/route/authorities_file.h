#pragma once

#include <string>

#include "base/result.h"

namespace duet::route {

// A file of certificate authorities, PEM, that vouch for the servers of handlers' https. Not
// thread-safe.
class AuthoritiesFile {
 public:
  // `path`: empty: there is none.
  explicit AuthoritiesFile(std::string path) : path_(std::move(path)) {}

  // Reads it once more. An error (it cannot be read, or is not what it should be) leaves text() as
  // it was and says what it was read for.
  Status read();
  const std::string& text() const { return text_; }

 private:
  std::string path_;
  std::string text_;
};

}  // namespace duet::route
