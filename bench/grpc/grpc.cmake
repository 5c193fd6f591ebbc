# grpc C++ as the distribution has it: its library, protoc and the generator of its stubs.
include(CheckLanguage)
check_language(CXX)
find_package(PkgConfig)
find_program(PROTOC protoc)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin)
if(PKG_CONFIG_FOUND)
  pkg_check_modules(GRPCPP IMPORTED_TARGET grpc++ protobuf)
endif()
if(NOT (CMAKE_CXX_COMPILER AND GRPCPP_FOUND AND PROTOC AND GRPC_CPP_PLUGIN))
  message(STATUS "grpc C++ is not here: it will not be measured")
  return()
endif()
enable_language(CXX)

set(proto "${CMAKE_CURRENT_SOURCE_DIR}/grpc/echo.proto")
set(generated "${CMAKE_CURRENT_BINARY_DIR}/grpc")
file(MAKE_DIRECTORY "${generated}")
add_custom_command(
  OUTPUT "${generated}/echo.pb.cc" "${generated}/echo.grpc.pb.cc" "${generated}/echo.pb.h"
         "${generated}/echo.grpc.pb.h"
  COMMAND "${PROTOC}" "-I${CMAKE_CURRENT_SOURCE_DIR}/grpc" "--cpp_out=${generated}"
          "--grpc_out=${generated}" "--plugin=protoc-gen-grpc=${GRPC_CPP_PLUGIN}" "${proto}"
  DEPENDS "${proto}"
  VERBATIM)
add_library(grpc_echo STATIC "${generated}/echo.pb.cc" "${generated}/echo.grpc.pb.cc")
target_include_directories(grpc_echo PUBLIC "${generated}")
target_link_libraries(grpc_echo PUBLIC PkgConfig::GRPCPP)
target_compile_features(grpc_echo PUBLIC cxx_std_17)

add_executable(grpc_server grpc/server.cc)
add_executable(grpc_client grpc/client.cc grpc/outstanding.cc grpc/streams.cc)
foreach(side IN ITEMS client server)
  target_include_directories(grpc_${side} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  target_link_libraries(grpc_${side} PRIVATE grpc_echo)
  if(FC_WERROR)
    target_compile_options(grpc_${side} PRIVATE -Wall -Wextra -Wshadow -Werror)
  endif()
endforeach()
