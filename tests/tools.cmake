# Shared by tests/ and fuzz/: the flags of a test target and the properties of a test.
find_package(PkgConfig REQUIRED)

# Gives a target what tests see: internal headers, the static library, the support code, cmocka, and the
# library that its name asks for (test_nghttp2_*, fuzz_uv_*).
function(fc_test_flags target)
  fc_flags(${target})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/tests")
  if(TARGET farcall_support AND NOT target STREQUAL farcall_support)
    target_link_libraries(${target} PRIVATE farcall_support)
  endif()
  target_link_libraries(${target} PRIVATE farcall_static ${FC_LIBRARIES})
  if(FC_BUILD_TESTS)
    fc_link_package(${target} cmocka)
  endif()
  if(target MATCHES "^[a-z]+_nghttp2_")
    fc_link_package(${target} libnghttp2)
  elseif(target MATCHES "^[a-z]+_uv_")
    fc_link_package(${target} libuv)
  endif()
endfunction()

function(fc_link_package target package)
  if(NOT TARGET PkgConfig::${package})
    pkg_check_modules(${package} REQUIRED IMPORTED_TARGET GLOBAL ${package})
  endif()
  target_link_libraries(${target} PRIVATE PkgConfig::${package})
endfunction()

# Sanitizers and coverage are slower, and machines that test are busy.
function(fc_test_properties name label timeout)
  if(FC_SANITIZE OR FC_COVERAGE)
    math(EXPR timeout "${timeout} * 4")
  endif()
  set_tests_properties(
    ${name} PROPERTIES LABELS ${label} TIMEOUT ${timeout} ENVIRONMENT
    "ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1;UBSAN_OPTIONS=print_stacktrace=1;TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1;FC_TEST_CERTS=${PROJECT_BINARY_DIR}/certs"
  )
endfunction()
