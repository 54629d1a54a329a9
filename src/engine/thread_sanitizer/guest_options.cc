// A trap of a guest is a signal whose handler does not return: Wasmtime goes on where the guest was
// called. ThreadSanitizer takes everything after it for a part of the handler.
extern "C" const char* __tsan_default_options();   // NOLINT(bugprone-reserved-identifier): its name
extern "C" const char* __tsan_default_options() {  // NOLINT(bugprone-reserved-identifier)
  return "report_signal_unsafe=0";
}
