# The library, shared and static, from one set of position-independent objects: on today's machines such
# code costs next to nothing, and each file is compiled once.

# A glob, not a list: the folders are the layers and every .c in them belongs to the library.
set(sources "")
foreach(layer IN LISTS FC_LAYERS)
  file(GLOB found CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${layer}/*.c")
  list(APPEND sources ${found})
endforeach()

# What the library needs; a test links the same.
set(FC_LIBRARIES ZLIB::ZLIB Threads::Threads)
if(FC_TLS AND "io" IN_LIST FC_LAYERS)
  list(APPEND FC_LIBRARIES OpenSSL::SSL OpenSSL::Crypto)
  list(FILTER sources EXCLUDE REGEX "/tls_none\\.c$")
else()
  list(FILTER sources EXCLUDE REGEX "/tls_[^/]*\\.c$")
  if("io" IN_LIST FC_LAYERS)
    list(APPEND sources "${PROJECT_SOURCE_DIR}/src/io/tls_none.c")
  endif()
endif()

add_library(farcall_objects OBJECT ${sources})
fc_flags(farcall_objects)
target_include_directories(
  farcall_objects PRIVATE "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/src")
target_link_libraries(farcall_objects PRIVATE ${FC_LIBRARIES})
set_target_properties(
  farcall_objects PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
# Nobody may replace our functions from outside, so calls among them need no detour.
check_c_compiler_flag(-fno-semantic-interposition FC_HAVE_NO_INTERPOSITION)
if(FC_HAVE_NO_INTERPOSITION)
  target_compile_options(farcall_objects PRIVATE -fno-semantic-interposition)
endif()

# A call passes through many small functions in several files: optimising across them, with -O3, saves a quarter of the
# instructions of a call. Where an object cannot hold machine code beside the bytecode (clang 14) it is not done: a
# static library of bytecode would bind its users to this very compiler.
include(CheckIPOSupported)
check_ipo_supported(RESULT FC_HAVE_LTO OUTPUT ignored LANGUAGES C)
check_c_compiler_flag("-ffat-lto-objects -Werror" FC_HAVE_FAT_LTO)
set(lto FALSE)
if(FC_LTO AND FC_HAVE_LTO AND FC_HAVE_FAT_LTO AND NOT FC_SANITIZE)
  set(lto TRUE)
  target_compile_options(farcall_objects PRIVATE $<$<CONFIG:Release>:-ffat-lto-objects>)
endif()
set_target_properties(farcall_objects PROPERTIES INTERPROCEDURAL_OPTIMIZATION_RELEASE ${lto})

function(fc_library target)
  target_include_directories(
    ${target} PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
                     "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  target_link_libraries(${target} PRIVATE ${FC_LIBRARIES})
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C OUTPUT_NAME farcall)
endfunction()

add_library(farcall_static STATIC $<TARGET_OBJECTS:farcall_objects>)
fc_library(farcall_static)
set_target_properties(farcall_static PROPERTIES EXPORT_NAME static)
add_library(farcall::static ALIAS farcall_static)

if(BUILD_SHARED_LIBS)
  add_library(farcall SHARED $<TARGET_OBJECTS:farcall_objects>)
  fc_library(farcall)
  set_target_properties(farcall PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0
                                           INTERPROCEDURAL_OPTIMIZATION_RELEASE ${lto})
  add_library(farcall::farcall ALIAS farcall)
  set(flags -Wl,-Bsymbolic-functions -Wl,-z,relro,-z,now -Wl,--as-needed)
  if(NOT FC_SANITIZE) # whose functions come with the program
    list(APPEND flags -Wl,-z,defs)
  endif()
  foreach(flag IN LISTS flags)
    string(MAKE_C_IDENTIFIER "FC_LINKER${flag}" known)
    check_linker_flag(C "${flag}" ${known})
    if(${known})
      target_link_options(farcall PRIVATE "${flag}")
    endif()
  endforeach()
endif()
