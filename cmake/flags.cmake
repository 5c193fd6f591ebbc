# Flags of everything built here. fc_flags() gives a target of ours the dialect and the warnings; the
# sanitizers and coverage must reach every object and every link, so they are global.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

function(fc_flags target)
  set_target_properties(${target} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
  if(FC_WERROR)
    target_compile_options(
      ${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
                        -Wstrict-prototypes -Werror)
  endif()
endfunction()

if(FC_SANITIZE)
  add_compile_options(-fsanitize=${FC_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${FC_SANITIZE})
endif()

if(FC_BUILD_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES Clang)
    message(FATAL_ERROR "FC_BUILD_FUZZ needs clang: libFuzzer is part of it")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(FC_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()
