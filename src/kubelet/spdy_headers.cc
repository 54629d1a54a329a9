#include "kubelet/spdy_headers.h"

#include <zlib.h>

#include <array>
#include <cstdint>

#include "kubelet/big_endian.h"

namespace duet::kubelet {
namespace {

// Each stands in the dictionary behind its length.
constexpr std::string_view kWords[] = {"options",
                                       "head",
                                       "post",
                                       "put",
                                       "delete",
                                       "trace",
                                       "accept",
                                       "accept-charset",
                                       "accept-encoding",
                                       "accept-language",
                                       "accept-ranges",
                                       "age",
                                       "allow",
                                       "authorization",
                                       "cache-control",
                                       "connection",
                                       "content-base",
                                       "content-encoding",
                                       "content-language",
                                       "content-length",
                                       "content-location",
                                       "content-md5",
                                       "content-range",
                                       "content-type",
                                       "date",
                                       "etag",
                                       "expect",
                                       "expires",
                                       "from",
                                       "host",
                                       "if-match",
                                       "if-modified-since",
                                       "if-none-match",
                                       "if-range",
                                       "if-unmodified-since",
                                       "last-modified",
                                       "location",
                                       "max-forwards",
                                       "pragma",
                                       "proxy-authenticate",
                                       "proxy-authorization",
                                       "range",
                                       "referer",
                                       "retry-after",
                                       "server",
                                       "te",
                                       "trailer",
                                       "transfer-encoding",
                                       "upgrade",
                                       "user-agent",
                                       "vary",
                                       "via",
                                       "warning",
                                       "www-authenticate",
                                       "method",
                                       "get",
                                       "status",
                                       "200 OK",
                                       "version",
                                       "HTTP/1.1",
                                       "url",
                                       "public",
                                       "set-cookie",
                                       "keep-alive",
                                       "origin"};

// What stands behind the words.
constexpr std::string_view kTail =
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request"
    "401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented"
    "503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, "
    "Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,"
    "application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdch"
    "charset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

Bytef* bytes_of(std::string_view text) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // zlib does not write to them
}

Error no_block(const char* why) {
  return invalid(std::string("the peer sent no header block of SPDY/3: ") + why);
}

// Takes a length and as many bytes from the front of `text`; false: they are not there.
bool take_text(std::string_view& text, std::string_view& out) {
  const auto size = take_u32(text);
  if (!size || *size > text.size()) {
    return false;
  }
  out = text.substr(0, *size);
  text.remove_prefix(*size);
  return true;
}

Result<net::FieldList> parse_pairs(std::string_view text) {
  const auto count = take_u32(text);
  if (!count || *count > kSpdyHeaderCount) {
    return no_block(count ? "too many pairs" : "it is too short");
  }
  net::FieldList fields;
  for (std::uint32_t i = 0; i < *count; ++i) {
    std::string_view name;
    std::string_view values;
    if (!take_text(text, name) || !take_text(text, values) || name.empty()) {
      return no_block("a pair is cut off");
    }
    for (;;) {
      const std::size_t end = values.find('\0');
      if (fields.size() == kSpdyHeaderCount) {
        return no_block("too many values");
      }
      fields.emplace_back(name, values.substr(0, end));
      if (end == std::string_view::npos) {
        break;
      }
      values.remove_prefix(end + 1);
    }
  }
  return text.empty() ? Result<net::FieldList>(std::move(fields))
                      : no_block("there is more than its pairs");
}

}  // namespace

const std::string& spdy_dictionary() {
  static const std::string dictionary = [] {
    std::string made;
    for (const std::string_view word : kWords) {
      put_u32(made, static_cast<std::uint32_t>(word.size()));
      made += word;
    }
    return made.append(kTail);
  }();
  return dictionary;
}

struct SpdyHeaderReader::Zlib {
  z_stream stream{};
};

SpdyHeaderReader::SpdyHeaderReader() : zlib_(std::make_unique<Zlib>()) {
  inflateInit(&zlib_->stream);
}

SpdyHeaderReader::~SpdyHeaderReader() { inflateEnd(&zlib_->stream); }

Result<std::string> SpdyHeaderReader::inflate(std::string_view block) {
  z_stream& stream = zlib_->stream;
  stream.next_in = bytes_of(block);
  stream.avail_in = static_cast<uInt>(block.size());
  std::string out;
  std::array<char, 4096> piece{};
  for (;;) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = piece.size();
    int result = ::inflate(&stream, Z_SYNC_FLUSH);
    if (result == Z_NEED_DICT) {
      result = inflateSetDictionary(&stream, bytes_of(spdy_dictionary()),
                                    static_cast<uInt>(spdy_dictionary().size()));
      if (result == Z_OK) {
        continue;
      }
    }
    if (result != Z_OK && result != Z_BUF_ERROR) {
      return no_block("its compression is damaged");
    }
    const std::size_t got = piece.size() - stream.avail_out;
    if (out.size() + got > kSpdyHeaderBytes) {
      return no_block("it is too large");
    }
    out.append(piece.data(), got);
    if (stream.avail_out != 0) {
      return stream.avail_in == 0 ? Result<std::string>(std::move(out))
                                  : no_block("its compression is damaged");
    }
  }
}

Result<net::FieldList> SpdyHeaderReader::read(std::string_view block) {
  DUET_ASSIGN(const std::string pairs, inflate(block));
  return parse_pairs(pairs);
}

struct SpdyHeaderWriter::Zlib {
  z_stream stream{};
};

SpdyHeaderWriter::SpdyHeaderWriter() : zlib_(std::make_unique<Zlib>()) {
  // What is written here is short: a small window is enough, and a quarter of the memory.
  constexpr int kWindowBits = 12;
  constexpr int kMemoryLevel = 4;
  deflateInit2(&zlib_->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kWindowBits, kMemoryLevel,
               Z_DEFAULT_STRATEGY);
  deflateSetDictionary(&zlib_->stream, bytes_of(spdy_dictionary()),
                       static_cast<uInt>(spdy_dictionary().size()));
}

SpdyHeaderWriter::~SpdyHeaderWriter() { deflateEnd(&zlib_->stream); }

std::string SpdyHeaderWriter::write(const net::FieldList& fields) {
  std::string pairs;
  put_u32(pairs, static_cast<std::uint32_t>(fields.size()));
  for (const auto& [name, value] : fields) {
    put_u32(pairs, static_cast<std::uint32_t>(name.size()));
    pairs += name;
    put_u32(pairs, static_cast<std::uint32_t>(value.size()));
    pairs += value;
  }
  z_stream& stream = zlib_->stream;
  stream.next_in = bytes_of(pairs);
  stream.avail_in = static_cast<uInt>(pairs.size());
  std::string out;
  std::array<char, 1024> piece{};
  do {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = piece.size();
    deflate(&stream, Z_SYNC_FLUSH);
    out.append(piece.data(), piece.size() - stream.avail_out);
  } while (stream.avail_out == 0);
  return out;
}

}  // namespace duet::kubelet
