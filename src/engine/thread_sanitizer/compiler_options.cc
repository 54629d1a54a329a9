// ThreadSanitizer knows nothing of the atomics of Cranelift's threads, and no C++ of duet-compile
// starts one, so what it would report here is never true.
extern "C" const char* __tsan_default_options();   // NOLINT(bugprone-reserved-identifier): its name
extern "C" const char* __tsan_default_options() {  // NOLINT(bugprone-reserved-identifier)
  return "report_bugs=0";
}
