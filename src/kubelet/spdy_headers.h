#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http_stream.h"

// The name/value header blocks of SPDY version 3 (draft-mbelshe-httpbis-spdy-00, section 2.6.10):
// all blocks of one direction of a connection are one zlib stream with a dictionary of the draft's.
namespace duet::kubelet {

inline constexpr std::size_t kSpdyHeaderBytes = 64 << 10;  // of one block, decompressed
inline constexpr std::size_t kSpdyHeaderCount = 100;       // pairs of one block

// The draft's dictionary.
const std::string& spdy_dictionary();

// Reads the blocks of one direction, all of them in their order. Not thread-safe.
class SpdyHeaderReader {
 public:
  SpdyHeaderReader();
  ~SpdyHeaderReader();
  SpdyHeaderReader(const SpdyHeaderReader&) = delete;
  SpdyHeaderReader& operator=(const SpdyHeaderReader&) = delete;

  // A name with several values gives several fields. kInvalid: it is no block, or past a bound; the
  // reader is of no use afterwards.
  Result<net::FieldList> read(std::string_view block);

 private:
  Result<std::string> inflate(std::string_view block);
  struct Zlib;
  std::unique_ptr<Zlib> zlib_;
};

// Writes the blocks of one direction. Not thread-safe.
class SpdyHeaderWriter {
 public:
  SpdyHeaderWriter();
  ~SpdyHeaderWriter();
  SpdyHeaderWriter(const SpdyHeaderWriter&) = delete;
  SpdyHeaderWriter& operator=(const SpdyHeaderWriter&) = delete;

  // Names must be in lower case, each once.
  std::string write(const net::FieldList& fields);

 private:
  struct Zlib;
  std::unique_ptr<Zlib> zlib_;
};

}  // namespace duet::kubelet
