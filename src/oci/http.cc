#include "oci/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "oci/reference.h"

namespace duet::oci {

namespace {

constexpr size_t kHeaderLimitBytes = 64 << 10;

struct ListFreer {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// One transfer: what libcurl's callbacks fill.
struct Transfer {
  CURL* curl = nullptr;
  const HttpRequest* request = nullptr;
  HttpResponse response;
  std::optional<Error> failure;
  int64_t body_bytes = 0;
  int64_t body_limit_bytes = -1;
  size_t header_bytes = 0;
};

std::string_view trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) {
    text.remove_prefix(1);
  }
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) {
    text.remove_suffix(1);
  }
  return text;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

void take_header(HttpResponse& response, std::string_view name, std::string_view value) {
  if (same_name(name, "content-type")) {
    response.content_type = trim(value.substr(0, value.find(';')));
  } else if (same_name(name, "www-authenticate")) {
    response.challenges.emplace_back(value);
  } else if (same_name(name, "docker-content-digest")) {
    response.docker_content_digest = value;
  } else if (same_name(name, "content-range")) {
    response.content_range = value;
  } else if (same_name(name, "retry-after")) {
    int64_t seconds = -1;
    std::from_chars(value.data(), value.data() + value.size(), seconds);
    response.retry_after_s = seconds;
  }
}

size_t on_header(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(data, size * count);
  transfer.header_bytes += line.size();
  if (transfer.header_bytes > kHeaderLimitBytes) {
    transfer.failure = Error(ErrorCode::kExhausted, "the registry sends too many headers");
    return 0;
  }
  if (line.starts_with("HTTP/")) {
    transfer.response = {};  // an interim answer came before
  }
  if (const size_t colon = line.find(':'); colon != std::string_view::npos) {
    take_header(transfer.response, line.substr(0, colon), trim(line.substr(colon + 1)));
  }
  return line.size();
}

size_t on_body(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view part(data, size * count);
  long status = 0;
  curl_easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &status);
  if (transfer.body_limit_bytes < 0) {
    transfer.body_limit_bytes = transfer.request->body_limit_bytes(static_cast<int>(status));
  }
  transfer.body_bytes += static_cast<int64_t>(part.size());
  if (transfer.body_bytes > transfer.body_limit_bytes) {
    transfer.failure =
        Error(ErrorCode::kExhausted,
              "the answer is larger than " + std::to_string(transfer.body_limit_bytes) + " bytes");
    return 0;
  }
  if (!transfer.request->sink || status / 100 != 2) {
    transfer.response.body += part;
    return part.size();
  }
  if (const auto taken = transfer.request->sink(static_cast<int>(status), part); !taken.ok()) {
    transfer.failure = taken.error();
    return 0;
  }
  return part.size();
}

ErrorCode code_of(CURLcode result) {
  switch (result) {
    case CURLE_OPERATION_TIMEDOUT:
      return ErrorCode::kTimeout;
    case CURLE_PEER_FAILED_VERIFICATION:
      return ErrorCode::kPermission;
    case CURLE_SSL_CONNECT_ERROR:
      return ErrorCode::kUnsupported;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_SSL_CACERT_BADFILE:
      return ErrorCode::kInvalid;
    default:
      return ErrorCode::kUnavailable;
  }
}

}  // namespace

std::string url_host(const std::string& url) {
  const size_t start = url.find("://");
  const size_t host = start == std::string::npos ? 0 : start + 3;
  return url.substr(host, url.find_first_of("/?#", host) - host);
}

struct HttpClient::State {
  HttpOptions options;
  CURL* curl = nullptr;
};

HttpClient::HttpClient(HttpOptions options) : state_(std::make_unique<State>()) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  state_->options = std::move(options);
  state_->curl = curl_easy_init();
}

HttpClient::~HttpClient() { curl_easy_cleanup(state_->curl); }

Result<HttpResponse> HttpClient::get(const HttpRequest& request) {
  CURL* curl = state_->curl;
  if (curl == nullptr) {
    return internal("libcurl does not start");
  }
  curl_easy_reset(curl);  // keeps connections
  const HttpOptions& options = state_->options;
  Transfer transfer{.curl = curl, .request = &request};
  std::unique_ptr<curl_slist, ListFreer> headers;
  for (const std::string& header : request.headers) {
    headers.reset(curl_slist_append(headers.release(), header.c_str()));
  }
  std::string reason(CURL_ERROR_SIZE, '\0');
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "duet/" DUET_VERSION);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason.data());
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout_ms));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME,
                   static_cast<long>((options.stall_timeout_ms + 999) / 1000));
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  if (is_loopback_registry(url_host(request.url))) {
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
  }
  if (!options.ca_pem.empty()) {
    // Replaces the bundle file; the system's folder of authorities stays.
    curl_blob pem{const_cast<char*>(options.ca_pem.data()), options.ca_pem.size(),
                  CURL_BLOB_NOCOPY};
    curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &pem);
  }
  if (!request.basic_username.empty()) {
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
    curl_easy_setopt(curl, CURLOPT_USERNAME, request.basic_username.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, request.basic_password.c_str());
  }
  const CURLcode result = curl_easy_perform(curl);
  if (transfer.failure) {
    return *transfer.failure;
  }
  if (result != CURLE_OK) {
    reason.resize(reason.find('\0'));
    return Error(code_of(result), reason.empty() ? curl_easy_strerror(result) : reason);
  }
  long status = 0;
  const char* redirect = nullptr;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &redirect);
  transfer.response.status = static_cast<int>(status);
  transfer.response.redirect_url = redirect == nullptr ? "" : redirect;
  return std::move(transfer.response);
}

}  // namespace duet::oci
