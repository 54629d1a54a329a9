#include "engine/code_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/compiler/confine.h"
#include "engine/guests_for_test.h"

namespace duet::engine {
namespace {

using ::testing::HasSubstr;

CodeFooter example() {
  return {.image_bytes = 1000, .kind = Kind::kHandler, .compatibility_key = std::string(64, 'a')};
}

TEST(CodeFile, FooterComesBackAsItWent) {
  const std::string bytes = format_code_footer(example());
  ASSERT_EQ(bytes.size(), kCodeFooterBytes);
  const auto footer = parse_code_footer("before" + bytes, 1000 + kCodeFooterBytes);
  ASSERT_TRUE(footer.ok()) << footer.error().message();
  EXPECT_EQ(footer->image_bytes, 1000U);
  EXPECT_EQ(footer->kind, Kind::kHandler);
  EXPECT_EQ(footer->compatibility_key, std::string(64, 'a'));
}

TEST(CodeFile, WrongFootersAreRefused) {
  const std::string bytes = format_code_footer(example());
  const std::uint64_t size = 1000 + kCodeFooterBytes;
  EXPECT_FALSE(parse_code_footer("", 0).ok());
  EXPECT_FALSE(parse_code_footer(bytes.substr(1), size).ok());
  EXPECT_FALSE(parse_code_footer(bytes, size + 1).ok());
  EXPECT_FALSE(parse_code_footer(bytes, 10).ok());
  for (const std::size_t at : {std::size_t{8}, std::size_t{12}, std::size_t{63}}) {
    std::string changed = bytes;
    changed[at] = '\x7f';
    EXPECT_FALSE(parse_code_footer(changed, size).ok()) << at;
  }
}

TEST(CodeFile, CompilerAndEngineAgreeOnTheKey) {
  for (const auto& [guest, kind] : {std::pair{"hello", Kind::kModuleProgram},
                                    {"rust_command", Kind::kComponentProgram},
                                    {"hello_handler", Kind::kHandler}}) {
    const auto footer = read_code_footer(compile_guest(guest).get());
    ASSERT_TRUE(footer.ok()) << footer.error().message();
    EXPECT_EQ(footer->kind, kind);
    EXPECT_EQ(footer->compatibility_key, engine_compatibility_key(kind).value());
  }
  EXPECT_NE(engine_compatibility_key(Kind::kHandler).value(),
            engine_compatibility_key(Kind::kModuleProgram).value());
}

TEST(CodeFile, FileOfAnotherEngineIsRefused) {
  CodeFooter footer = example();
  footer.image_bytes = 4;
  const Fd file = memory_file("code" + format_code_footer(footer));
  const auto refused = read_code_footer(file.get());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(refused.error().message(), HasSubstr("another"));
}

TEST(Compiler, SaysWhatAModuleIs) {
  const auto inspect = [](std::string_view guest) {
    const Fd input(open(guest_path(guest).c_str(), O_RDONLY | O_CLOEXEC));
    return read_all(run_compiler(input.get(), {"--inspect"}).output.get());
  };
  EXPECT_EQ(inspect("hello"), "module-program\n");
  EXPECT_EQ(inspect("rust_command"), "component-program\n");
  EXPECT_EQ(inspect("echo_handler"), "handler\n");
  EXPECT_EQ(inspect("rust_service"), "async-handler\n");
}

TEST(Compiler, NamesImportsThatDoNotExist) {
  const Fd input(open(guest_path("missing_import").c_str(), O_RDONLY | O_CLOEXEC));
  const CompilerRun run = run_compiler(input.get());
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.errors, HasSubstr("nowhere.to_be_found"));
  EXPECT_EQ(read_all(run.output.get()), "");
}

TEST(Compiler, NamesInterfacesThatDoNotExist) {
  const std::string wasm = wasm_from_text(R"((component
    (import "shop:stock/shelf@1.0.0" (instance $shelf (export "count" (func (result u32)))))
    (core module $m (func (export "run") (result i32) i32.const 0))
    (core instance $i (instantiate $m))
    (func $run (result (result)) (canon lift (core func $i "run")))
    (instance $e (export "run" (func $run)))
    (export "wasi:cli/run@0.2.3" (instance $e))))");
  const CompilerRun run = run_compiler(memory_file(wasm).get());
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.errors, HasSubstr("shop:stock/shelf@1.0.0"));
}

TEST(Compiler, LinksEveryVersionOfWasi02) {
  for (const std::string version : {"0.2.0", "0.2.3", "0.2.6", "0.2.10", "0.2.12"}) {
    std::string text = R"((component
      (import "wasi:random/random@VERSION" (instance $random (export "get-random-u64" (func (result u64)))))
      (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock (export "now" (func (result u64)))))
      (core module $m (func (export "run") (result i32) i32.const 0))
      (core instance $i (instantiate $m))
      (func $run (result (result)) (canon lift (core func $i "run")))
      (instance $e (export "run" (func $run)))
      (export "wasi:cli/run@VERSION" (instance $e))))";
    for (std::size_t at = 0; (at = text.find("VERSION")) != std::string::npos;) {
      text.replace(at, 7, version);
    }
    const CompilerRun run = run_compiler(memory_file(wasm_from_text(text)).get());
    EXPECT_EQ(run.exit_code, 0) << version << run.errors;
  }
}

TEST(Compiler, RefusesWhatItCannotUse) {
  const auto errors = [](std::string_view wasm, std::vector<std::string> options = {}) {
    const CompilerRun run = run_compiler(memory_file(wasm).get(), std::move(options));
    EXPECT_EQ(run.exit_code, 1);
    return run.errors;
  };
  EXPECT_THAT(errors(""), HasSubstr("empty"));
  EXPECT_THAT(errors("#!/bin/sh\n"), HasSubstr("magic"));
  EXPECT_THAT(errors("  (module)"), HasSubstr("text format"));
  EXPECT_THAT(errors(std::string("\0asm", 4)), HasSubstr("invalid"));
  EXPECT_THAT(errors(wasm_from_text("(module)")), HasSubstr("_start"));
  EXPECT_THAT(errors(wasm_from_text("(component)")), HasSubstr("exports none of"));
  EXPECT_THAT(
      errors(wasm_from_text("(module (func (export \"_start\") ))"), {"--max-input-bytes", "10"}),
      HasSubstr("larger than 10 bytes"));
  for (const std::string name : {"wasi:http/handler@0.4.0", "wasi:cli/run@0.3.0"}) {
    const std::string text = "(component (instance $i) (export \"" + name + "\" (instance $i)))";
    EXPECT_THAT(errors(wasm_from_text(text)), HasSubstr(name));
  }
}

TEST(Compiler, ProposalsThatNoGuestNeedsAreOff) {
  const struct {
    const char* text;
    const char* reason;
  } cases[] = {
      {"(memory i64 1)", "memory64"},
      {"(memory 1) (memory 1)", "multiple memories"},
      {"(memory 1 1 shared)", "threads"},
      {"(memory 1 (pagesize 1))", "page size"},
      {"(type (struct))", "gc"},
      {"(tag)", "exceptions"},
      {"(func $f return_call $f)", "tail calls"},
      {"(func (result v128) v128.const i64x2 0 0 v128.const i64x2 0 0 i16x8.relaxed_q15mulr_s)",
       "relaxed SIMD"},
      {"(func (result i64 i64) i64.const 1 i64.const 1 i64.mul_wide_u)", "wide arithmetic"},
  };
  for (const auto& one : cases) {
    const std::string text = std::string("(module ") + one.text + "(func (export \"_start\")))";
    const CompilerRun run = run_compiler(memory_file(wasm_from_text(text)).get());
    EXPECT_EQ(run.exit_code, 1) << one.text;
    EXPECT_THAT(run.errors, HasSubstr(one.reason));
  }
}

TEST(Compiler, InvalidCodeIsRefused) {
  std::string wasm = wasm_from_text("(module (func (export \"_start\") (drop (i32.const 1))))");
  wasm[wasm.size() - 2] = '\x6a';  // i32.add in the place of drop: nothing to add
  const CompilerRun run = run_compiler(memory_file(wasm).get());
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_NE(run.errors, "");
}

TEST(Compiler, WrongOptionsAreRefused) {
  EXPECT_EQ(run_compiler(memory_file("").get(), {"--user", "root"}).exit_code, 2);
  EXPECT_EQ(run_compiler(memory_file("").get(), {"--max-input-bytes", "0"}).exit_code, 2);
  EXPECT_EQ(run_compiler(memory_file("").get(), {"--unknown"}).exit_code, 2);
}

TEST(Compiler, WorksAsAnotherUserWithLittleMemory) {
  const Fd input(open(guest_path("hello_handler").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(run_compiler(input.get(), {"--user", "65534:65534", "--max-memory-bytes", "1000000000"})
                .exit_code,
            0);
  if (kAddressSpaceIsBounded) {
    lseek(input.get(), 0, SEEK_SET);
    EXPECT_NE(run_compiler(input.get(), {"--max-memory-bytes", "20000000"}).exit_code, 0);
  }
}

}  // namespace
}  // namespace duet::engine
