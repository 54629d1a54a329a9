# Building WebAssembly guests: C with clang for wasm32, Rust with Cargo, components with tools/componentize.
# Everything lands in ${CMAKE_BINARY_DIR}/guests/<name>.wasm and hangs on the target `guests`.

set(DUET_GUEST_DIR ${CMAKE_BINARY_DIR}/guests)
set(DUET_GUEST_WORK ${CMAKE_BINARY_DIR}/guests.work)
set(DUET_GUEST_SOURCES ${CMAKE_SOURCE_DIR}/guests)
file(MAKE_DIRECTORY ${DUET_GUEST_DIR} ${DUET_GUEST_WORK})
if(DEFINED ENV{CARGO_TARGET_DIR})
  set(DUET_CARGO_GUESTS $ENV{CARGO_TARGET_DIR})
else()
  set(DUET_CARGO_GUESTS ${CMAKE_BINARY_DIR}/cargo-guests)
endif()

find_program(DUET_CLANG_WASM NAMES clang-19 clang)
find_program(DUET_CARGO cargo)
find_program(DUET_RUSTC rustc)

# Says in RESULT why guests cannot be built, or sets it to the empty string.
function(duet_guest_problem RESULT)
  set(problem "")
  if(NOT DUET_CLANG_WASM)
    set(problem "clang is missing (Debian: clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32)")
  elseif(NOT DUET_CARGO)
    set(problem "cargo is missing (rustup, or Debian: cargo-web)")
  else()
    set(probe ${DUET_GUEST_WORK}/probe.c)
    file(WRITE ${probe} "#include <stdio.h>\nint main(void) { return puts(\"probe\") < 0; }\n")
    execute_process(COMMAND ${DUET_CLANG_WASM} --target=wasm32-wasi -o ${probe}.wasm ${probe}
      RESULT_VARIABLE failed OUTPUT_QUIET ERROR_VARIABLE errors)
    if(failed)
      set(problem "${DUET_CLANG_WASM} cannot link for wasm32-wasi (Debian: lld-19 wasi-libc "
        "libclang-rt-19-dev-wasm32): ${errors}")
      string(CONCAT problem ${problem})
    endif()
  endif()
  set(${RESULT} "${problem}" PARENT_SCOPE)
endfunction()

# duet_rust_target(<target> <RESULT>): whether rustc has the standard library for it.
function(duet_rust_target target RESULT)
  set(found FALSE)
  if(DUET_RUSTC)
    execute_process(COMMAND ${DUET_RUSTC} --print target-libdir --target ${target}
      OUTPUT_VARIABLE libdir OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
    if(NOT failed)
      file(GLOB std ${libdir}/libstd-*.rlib)
      if(std)
        set(found TRUE)
      endif()
    endif()
  endif()
  set(${RESULT} ${found} PARENT_SCOPE)
endfunction()

# Builds tools/componentize for this machine. Call once.
function(duet_componentize)
  set(tool ${CMAKE_SOURCE_DIR}/tools/componentize)
  file(GLOB sources CONFIGURE_DEPENDS ${tool}/*.toml ${tool}/*.lock ${tool}/*.rs ${tool}/src/*.rs)
  add_custom_command(OUTPUT ${DUET_GUEST_WORK}/componentize
    COMMAND ${DUET_CARGO} build --quiet --release --locked --manifest-path ${tool}/Cargo.toml
      --target-dir ${DUET_CARGO_GUESTS}
    COMMAND ${CMAKE_COMMAND} -E copy ${DUET_CARGO_GUESTS}/release/componentize ${DUET_GUEST_WORK}/componentize
    DEPENDS ${sources} COMMENT "Building componentize" VERBATIM)
  add_custom_target(componentize DEPENDS ${DUET_GUEST_WORK}/componentize)
  add_test(NAME componentize COMMAND ${DUET_CARGO} test --quiet --release --locked
    --manifest-path ${tool}/Cargo.toml --target-dir ${DUET_CARGO_GUESTS})
  set_tests_properties(componentize PROPERTIES TIMEOUT 900 LABELS unit)
endfunction()

# What all C guests are compiled with.
set(DUET_C_GUEST_FLAGS -std=gnu17 -Os -Wall -Wextra -Werror -Wl,--strip-all)

# duet_c_program(<name> <source>... [FLAGS <flag>...]): a WASI preview 1 program.
function(duet_c_program name)
  cmake_parse_arguments(GUEST "" "" "FLAGS" ${ARGN})
  list(TRANSFORM GUEST_UNPARSED_ARGUMENTS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  set(out ${DUET_GUEST_DIR}/${name}.wasm)
  add_custom_command(OUTPUT ${out}
    COMMAND ${DUET_CLANG_WASM} --target=wasm32-wasi ${DUET_C_GUEST_FLAGS} ${GUEST_FLAGS}
      -o ${out} ${GUEST_UNPARSED_ARGUMENTS}
    DEPENDS ${GUEST_UNPARSED_ARGUMENTS} COMMENT "Building guest ${name}" VERBATIM)
  duet_guest_target(${name})
endfunction()

# duet_component(<name> WORLD <world> CORE <module> [STRIP]): wraps a core module, without names when STRIP.
function(duet_component name)
  cmake_parse_arguments(GUEST "STRIP" "WORLD;CORE" "" ${ARGN})
  set(out ${DUET_GUEST_DIR}/${name}.wasm)
  set(strip)
  if(GUEST_STRIP)
    set(strip --strip)
  endif()
  add_custom_command(OUTPUT ${out}
    COMMAND ${DUET_GUEST_WORK}/componentize component --wit ${DUET_GUEST_SOURCES}/wit --world ${GUEST_WORLD}
      ${strip} ${GUEST_CORE} -o ${out}
    DEPENDS ${GUEST_CORE} ${DUET_GUEST_WORK}/componentize ${DUET_GUEST_SOURCES}/wit/guests.wit
    COMMENT "Building guest ${name}" VERBATIM)
  duet_guest_target(${name})
endfunction()

# Generates and compiles what C handlers share: the bindings of the world `handler` and guests/kit. Call once.
function(duet_c_handler_kit)
  set(work ${DUET_GUEST_WORK}/kit)
  file(MAKE_DIRECTORY ${work})
  add_custom_command(OUTPUT ${work}/handler.c ${work}/handler.h ${work}/handler_component_type.o
    COMMAND ${DUET_GUEST_WORK}/componentize bindings --wit ${DUET_GUEST_SOURCES}/wit --world handler --out ${work}
    DEPENDS ${DUET_GUEST_WORK}/componentize ${DUET_GUEST_SOURCES}/wit/guests.wit VERBATIM)
  set(headers ${work}/handler.h ${DUET_GUEST_SOURCES}/kit/http.h ${DUET_GUEST_SOURCES}/kit/filter.h)
  set(objects ${work}/handler_component_type.o)
  file(GLOB sources CONFIGURE_DEPENDS ${DUET_GUEST_SOURCES}/kit/*.c)
  foreach(source ${work}/handler.c ${sources})
    get_filename_component(name ${source} NAME_WE)
    add_custom_command(OUTPUT ${work}/${name}.o
      COMMAND ${DUET_CLANG_WASM} --target=wasm32-wasi -std=gnu17 -Os -Wall -Wextra -Werror -ffunction-sections
        -fdata-sections -I ${work} -c -o ${work}/${name}.o ${source}
      DEPENDS ${source} ${headers} VERBATIM)
    list(APPEND objects ${work}/${name}.o)
  endforeach()
  add_custom_target(guest_kit DEPENDS ${objects} ${headers})
  set(DUET_KIT_OBJECTS ${objects} CACHE INTERNAL "")
endfunction()

# duet_c_handler(<name> <source>... [FLAGS <flag>...]): a wasi:http handler on guests/kit. It has no main and no start code: the host
# calls its export, and neither the kit nor what it uses of the C library has constructors.
function(duet_c_handler name)
  cmake_parse_arguments(GUEST "" "" "FLAGS" ${ARGN})
  set(core ${DUET_GUEST_WORK}/${name}.core.wasm)
  list(TRANSFORM GUEST_UNPARSED_ARGUMENTS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*/*.h)
  add_custom_command(OUTPUT ${core}
    COMMAND ${DUET_CLANG_WASM} --target=wasm32-wasi ${DUET_C_GUEST_FLAGS} -I ${DUET_GUEST_WORK}/kit
      -I ${DUET_GUEST_SOURCES}/kit -nostartfiles -Wl,--no-entry ${GUEST_FLAGS} -o ${core}
      ${GUEST_UNPARSED_ARGUMENTS} ${DUET_KIT_OBJECTS}
    DEPENDS ${GUEST_UNPARSED_ARGUMENTS} ${headers} guest_kit ${DUET_KIT_OBJECTS}
      ${DUET_GUEST_SOURCES}/kit/http.h ${DUET_GUEST_SOURCES}/kit/filter.h VERBATIM)
  duet_component(${name} WORLD handler CORE ${core})
endfunction()

function(duet_guest_target name)
  add_custom_target(guest_${name} DEPENDS ${DUET_GUEST_DIR}/${name}.wasm)
  add_dependencies(guests guest_${name})
endfunction()

# duet_rust_guests(<workspace folder> <target> <package>...): components (wasm32-wasip2) or core modules (wasm32-wasip1)
# from a Cargo workspace of packages that build one <package>.wasm each. Without the target they are left out, and the
# build says so.
function(duet_rust_guests folder target)
  set(packages ${ARGN})
  list(JOIN packages ", " names)
  duet_rust_target(${target} found)
  if(NOT found)
    message(NOTICE "The Rust guests are left out (${names}), and with them the tests that need them: rustc has no "
      "standard library for ${target}. With rustup: rustup target add ${target}.")
    return()
  endif()
  set(workspace ${CMAKE_CURRENT_SOURCE_DIR}/${folder})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${workspace}/*.rs ${workspace}/Cargo.*)
  set(outs)
  set(copies)
  set(wanted)
  foreach(package ${packages})
    set(out ${DUET_GUEST_DIR}/${package}.wasm)
    list(APPEND outs ${out})
    list(APPEND copies COMMAND ${CMAKE_COMMAND} -E copy
      ${DUET_CARGO_GUESTS}/${target}/release/${package}.wasm ${out})
    list(APPEND wanted -p ${package})
  endforeach()
  add_custom_command(OUTPUT ${outs}
    COMMAND ${DUET_CARGO} build --quiet --release --locked --target ${target} ${wanted}
      --manifest-path ${workspace}/Cargo.toml --target-dir ${DUET_CARGO_GUESTS}
    ${copies}
    DEPENDS ${sources} COMMENT "Building guests ${names}" VERBATIM)
  foreach(package ${packages})
    duet_guest_target(${package})
  endforeach()
endfunction()
