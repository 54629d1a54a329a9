# Sanitizers make a program several times slower.
set(DUET_TEST_SECONDS 300)
if(DUET_SANITIZE)
  set(DUET_TEST_SECONDS 1200)
endif()

# duet_room(<name> USES <room>... [LIBS <target>...])
#
# Makes the library duet_<name> from every .cc of the folder that is neither a test nor a main program, and one
# test program <name>_test from its *_test.cc. USES is what the folder's files may include; tests/rooms_test.py
# holds the includes and the table in docs/architecture.md against it.
function(duet_room name)
  cmake_parse_arguments(ROOM "" "" "USES;LIBS;TEST_LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "(_test|_main|_fuzz)\\.cc$")
  if(sources)
    add_library(duet_${name} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(duet_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  # For quoted includes alone: <sys/file.h> is the system's, "sys/file.h" is ours.
  target_compile_options(duet_${name} ${scope} "SHELL:-iquote ${CMAKE_SOURCE_DIR}/src")
  foreach(used ${ROOM_USES})
    target_link_libraries(duet_${name} ${scope} duet_${used})
  endforeach()
  target_link_libraries(duet_${name} ${scope} ${ROOM_LIBS})
  if(tests)
    add_executable(${name}_test ${tests})
    # What tests themselves compute is little, and there are as many of them as of sources: with less optimisation two
    # fifths of the compiler's time for them are saved.
    target_compile_options(${name}_test PRIVATE -O1 -g1)
    target_link_libraries(${name}_test PRIVATE duet_${name} ${ROOM_TEST_LIBS} GTest::gmock_main Threads::Threads)
    set_target_properties(${name}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME ${name} COMMAND ${name}_test)
    set_tests_properties(${name} PROPERTIES TIMEOUT ${DUET_TEST_SECONDS} LABELS unit
      ENVIRONMENT "DUET_BUILD_DIR=${CMAKE_BINARY_DIR};DUET_SOURCE_DIR=${CMAKE_SOURCE_DIR}")
  endif()
endfunction()

# duet_program(<program> <main.cc> ROOMS <room>... [STATIC])
#
# Makes build/<program> from one main file and rooms.
function(duet_program program main)
  cmake_parse_arguments(PROGRAM "STATIC" "" "ROOMS;LIBS" ${ARGN})
  add_executable(${program} ${main})
  foreach(room ${PROGRAM_ROOMS})
    target_link_libraries(${program} PRIVATE duet_${room})
  endforeach()
  target_link_libraries(${program} PRIVATE ${PROGRAM_LIBS})
  if(PROGRAM_STATIC AND NOT DUET_SANITIZE)
    target_link_options(${program} PRIVATE -static)
  endif()
endfunction()

# duet_fuzzers(<target>... ROOMS <room>...)
#
# Makes a program from each <target>.cc, which has LLVMFuzzerTestOneInput. With DUET_FUZZ libFuzzer runs it; else it
# runs the inputs that are kept in corpus/<target>, as one of the unit tests. docs/fuzzing.md says more.
function(duet_fuzzers)
  cmake_parse_arguments(FUZZ "" "" "ROOMS" ${ARGN})
  foreach(target ${FUZZ_UNPARSED_ARGUMENTS})
    duet_program(${target} ${target}.cc ROOMS ${FUZZ_ROOMS})
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    if(DUET_FUZZ)
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    else()
      target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/src/base/corpus_main.cc)
      add_test(NAME ${target} COMMAND ${target} ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${target})
      set_tests_properties(${target} PROPERTIES TIMEOUT ${DUET_TEST_SECONDS} LABELS unit)
    endif()
  endforeach()
endfunction()

# duet_package(<prefix> <pkg-config module> <archive>): as pkg_check_modules, and DUET_<prefix> is what a room lists in
# its LIBS. Programs with the property DUET_QUICK link the archive: loading and relocating the shared library would be
# a large part of their life. Only for libraries that no shared library of the same program uses too.
macro(duet_package prefix module archive)
  pkg_check_modules(${prefix} REQUIRED IMPORTED_TARGET ${module})
  find_library(DUET_${prefix}_ARCHIVE NAMES ${archive} HINTS ${${prefix}_LIBRARY_DIRS} REQUIRED)
  set(DUET_${prefix} "$<IF:$<BOOL:$<TARGET_PROPERTY:DUET_QUICK>>,${DUET_${prefix}_ARCHIVE},PkgConfig::${prefix}>")
endmacro()
