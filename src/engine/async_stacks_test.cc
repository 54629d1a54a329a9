#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include "engine/handler_driver_for_test.h"

// Tasks of WASI 0.3 that wait within a call keep their stacks, and stacks are few.
namespace duet::engine {
namespace {

// A component whose function sleeps within its call.
constexpr std::string_view kSleeper = R"(
  (component $sleeper
    (import "wait" (func $wait async (param "how-long" u64)))
    (core func $wait (canon lower (func $wait)))
    (core module $m
      (import "" "wait" (func $wait (param i64)))
      (func (export "sleep") (param i64) (call $wait (local.get 0))))
    (core instance $i (instantiate $m (with "" (instance (export "wait" (func $wait))))))
    (func (export "sleep") async (param "how-long" u64) (canon lift (core func $i "sleep")))))";

// The types that a handler is made of, each named by `word`: "export" in the type of the instance
// that has them, "import" in a component that is given them.
std::string types(const std::string& word) {
  const auto named = [&](const std::string& name, const std::string& type) {
    return "(" + word + " \"" + name + "\" (type " + type + "))\n";
  };
  return named("request", "$request (sub resource)") +
         named("response", "$response (sub resource)") +
         R"((type $text (option string))
            (type $size (option u32))
            (type $long (option u64))
            (type $dns (record (field "rcode" $text) (field "info-code" (option u16)))))" +
         named("DNS-error-payload", "$dns-error (eq $dns)") +
         R"((type $alert (record (field "alert-id" (option u8)) (field "alert-message" $text))))" +
         named("TLS-alert-received-payload", "$tls-alert (eq $alert)") +
         R"((type $field (record (field "field-name" $text) (field "field-size" $size))))" +
         named("field-size-payload", "$field-size (eq $field)") +
         R"((type $code (variant
      (case "DNS-timeout") (case "DNS-error" $dns-error) (case "destination-not-found")
      (case "destination-unavailable") (case "destination-IP-prohibited")
      (case "destination-IP-unroutable") (case "connection-refused")
      (case "connection-terminated") (case "connection-timeout") (case "connection-read-timeout")
      (case "connection-write-timeout") (case "connection-limit-reached")
      (case "TLS-protocol-error") (case "TLS-certificate-error")
      (case "TLS-alert-received" $tls-alert) (case "HTTP-request-denied")
      (case "HTTP-request-length-required") (case "HTTP-request-body-size" $long)
      (case "HTTP-request-method-invalid") (case "HTTP-request-URI-invalid")
      (case "HTTP-request-URI-too-long") (case "HTTP-request-header-section-size" $size)
      (case "HTTP-request-header-size" (option $field-size))
      (case "HTTP-request-trailer-section-size" $size)
      (case "HTTP-request-trailer-size" $field-size) (case "HTTP-response-incomplete")
      (case "HTTP-response-header-section-size" $size)
      (case "HTTP-response-header-size" $field-size) (case "HTTP-response-body-size" $long)
      (case "HTTP-response-trailer-section-size" $size)
      (case "HTTP-response-trailer-size" $field-size)
      (case "HTTP-response-transfer-coding" $text) (case "HTTP-response-content-coding" $text)
      (case "HTTP-response-timeout") (case "HTTP-upgrade-failed") (case "HTTP-protocol-error")
      (case "loop-detected") (case "configuration-error") (case "internal-error" $text))))" +
         named("error-code", "$error-code (eq $code)");
}

constexpr std::array<std::string_view, 6> kTypeNames{"request",
                                                     "response",
                                                     "DNS-error-payload",
                                                     "TLS-alert-received-payload",
                                                     "field-size-payload",
                                                     "error-code"};

// A handler that sleeps for ever, after it has begun to sleep in `count` further components. It is
// a component beside them: none may call into one that it contains.
std::string sleepers(int count) {
  std::string imports;    // of the handler
  std::string lowered;    // for its core module
  std::string given;      // to that
  std::string core;       // what that imports
  std::string calls;      // and does
  std::string instances;  // of sleepers
  std::string arguments;  // for the handler
  for (int i = 0; i < count; ++i) {
    const std::string quoted = "\"sleep" + std::to_string(i) + "\"";
    const std::string name = "$sleep" + std::to_string(i);
    imports += "(import " + quoted + " (func " + name + " async (param \"how-long\" u64)))\n";
    lowered += "(core func " + name + " (canon lower (func " + name + ") async))\n";
    given += "(export " + quoted + " (func " + name + "))\n";
    core += "(import \"\" " + quoted + " (func " + name + " (param i64) (result i32)))\n";
    calls += "(drop (call " + name + " (i64.const 0xfffffffffffffff)))\n";
    instances += "(instance " + name + " (instantiate $sleeper (with \"wait\" (func $wait))))" +
                 "(alias export " + name + " \"sleep\" (func " + name + "))\n";
    arguments += "(with " + quoted + " (func " + name + "))\n";
  }
  std::string aliases;
  for (const std::string_view name : kTypeNames) {
    const std::string quoted = "\"" + std::string(name) + "\"";
    aliases += "(alias export $types " + quoted + " (type $" + std::string(name) + "))\n";
    arguments += "(with " + quoted + " (type $" + std::string(name) + "))\n";
  }
  const std::string handler =
      "(component $handler\n" + types("import") +
      "(import \"wait\" (func $wait async (param \"how-long\" u64)))\n" + imports + lowered +
      "(core func $wait (canon lower (func $wait)))\n"
      "(core module $m\n(import \"\" \"wait\" (func $wait (param i64)))\n" +
      core +
      "(memory (export \"memory\") 1)\n(func (export \"handle\") (param i32) (result i32)\n" +
      calls +
      "(call $wait (i64.const 0xfffffffffffffff)) unreachable))\n"
      "(core instance $i (instantiate $m (with \"\" (instance (export \"wait\" (func $wait))\n" +
      given +
      "))))\n(alias core export $i \"memory\" (core memory $memory))\n"
      "(func (export \"handle\") async (param \"request\" (own $request))\n"
      "(result (result (own $response) (error $error-code)))\n"
      "(canon lift (core func $i \"handle\") (memory $memory))))\n";
  return "(component\n"
         "(import \"wasi:clocks/monotonic-clock@0.3.0\" (instance $clock\n"
         "(export \"wait-for\" (func async (param \"how-long\" u64)))))\n"
         "(alias export $clock \"wait-for\" (func $wait))\n"
         "(import \"wasi:http/types@0.3.0\" (instance $types\n" +
         types("export") + "))\n" + aliases + std::string(kSleeper) + instances + handler +
         "(instance $h (instantiate $handler (with \"wait\" (func $wait))\n" + arguments +
         "))\n(alias export $h \"handle\" (func $handle))\n"
         "(instance $out (export \"handle\" (func $handle)))\n"
         "(export \"wasi:http/handler@0.3.0\" (instance $out)))";
}

TEST(AsyncStacks, WhoWaitsInManyComponentsTakesNoneOfOthers) {
  EngineOptions options = Host::options();
  options.sandbox_limit = 2;
  options.core_instance_limit = 40;
  const Fd input = memory_file(wasm_from_text(sleepers(10)));
  CompilerRun compiled = run_compiler(input.get());
  ASSERT_EQ(compiled.exit_code, 0) << compiled.errors;
  Host host(std::move(compiled.output), {}, options);
  const Fd code = compile_guest("rust_service");
  auto other = Handler::load(host.engine, code.get(), {});
  ASSERT_TRUE(other.ok()) << other.error().message();

  Driver sleeping = host.start("/");
  sleeping.step();
  while (host.engine.next_ready()) {
    sleeping.step();
  }
  ASSERT_FALSE(sleeping.done()) << sleeping.exchange().message;
  auto request =
      HandlerRequest::start(*other, {"GET", "http", "a.test", "/hello", {}, true}, {}, 1);
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(Driver(host.engine, std::move(request).value()).finish().body, "hello from duet\n");
}

}  // namespace
}  // namespace duet::engine
