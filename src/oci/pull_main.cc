// duet-pull: the part of duet's image store that touches foreign bytes. Started by duet for one job
// and confined before it looks at anything; oci/helper_protocol.h says what it is given and
// answers.

#include <unistd.h>

#include <cstdio>
#include <string_view>

#include "oci/archive.h"
#include "oci/confine.h"
#include "oci/fetch.h"
#include "oci/helper_protocol.h"
#include "oci/layer_file.h"
#include "sys/file.h"

namespace duet::oci {
namespace {

void say(const HelperEvent& event) {
  if (!sys::write_all(STDOUT_FILENO, encode_event(event)).ok()) {
    ::_exit(3);  // nobody listens any more
  }
}

Result<HelperEvent> run_fetch(const HelperRequest& request) {
  const FetchRequest& fetch_request = *request.fetch;
  DUET_TRY(drop_privileges(request.uid, request.gid, fetch_request.size_limit_bytes));
  DUET_TRY(confine_writes(kOutputFd));
  DUET_TRY(forbid_processes());
  DUET_ASSIGN(Descriptor target, fetch(fetch_request, kOutputFd, kInputFd, &say));
  return HelperEvent{.target = std::move(target)};
}

Result<HelperEvent> run_archive(const HelperRequest& request) {
  DUET_TRY(drop_privileges(request.uid, request.gid, request.archive->size_limit_bytes));
  DUET_TRY(confine_writes(kOutputFd));
  DUET_TRY(forbid_processes());
  DUET_TRY(forbid_network());
  DUET_TRY(unpack_archive(kInputFd, kOutputFd, request.archive->size_limit_bytes));
  return HelperEvent{.done = true};
}

Result<HelperEvent> run_module(const HelperRequest& request) {
  const ModuleRequest& module = *request.module;
  DUET_TRY(drop_privileges(request.uid, request.gid, module.size_limit_bytes));
  DUET_TRY(confine_writes(-1));
  DUET_TRY(forbid_processes());
  DUET_TRY(forbid_network());
  DUET_ASSIGN(const LayerAnswer answer,
              extract_file(kInputFd, module.path, kOutputFd, module.size_limit_bytes));
  return HelperEvent{.answer = answer};
}

Result<HelperEvent> run(std::string_view verb) {
  DUET_ASSIGN(const std::string text, sys::read_all(kRequestFd, kRequestLimitBytes));
  DUET_ASSIGN(const HelperRequest request, decode_request(text));
  if (verb == "fetch" && request.fetch) {
    return run_fetch(request);
  }
  if (verb == "archive" && request.archive) {
    return run_archive(request);
  }
  if (verb == "module" && request.module) {
    return run_module(request);
  }
  return invalid("duet-pull: the request is not one for this verb");
}

}  // namespace
}  // namespace duet::oci

int main(int argc, char** argv) {
  if (argc != 2 || ::lseek(duet::oci::kRequestFd, 0, SEEK_CUR) < 0) {
    std::fputs("duet-pull is started by duet, not by hand\n", stderr);
    return 2;
  }
  auto event = duet::oci::run(argv[1]);
  duet::oci::say(event.ok() ? *event : duet::oci::HelperEvent{.error = event.error()});
  // No destructors: there is nothing to give back, and a confined process may not do all they do.
  ::_exit(event.ok() ? 0 : 1);
}
