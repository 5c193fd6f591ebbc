# What `cmake --install` lays down: libraries, headers, farcall.pc and the CMake package.
include(CMakePackageConfigHelpers)

set(libraries farcall_static)
if(BUILD_SHARED_LIBS)
  list(APPEND libraries farcall)
endif()
install(TARGETS ${libraries} EXPORT farcallTargets)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/farcall" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")

# The static library's own dependencies, for farcall.pc and farcallConfig.cmake. Libs.private and not Requires.private: that
# would ask users of the shared library for the development files of OpenSSL too.
set(FC_PC_LIBS_PRIVATE "-lz -pthread")
if(OpenSSL::SSL IN_LIST FC_LIBRARIES)
  set(FC_PC_LIBS_PRIVATE "-lssl -lcrypto ${FC_PC_LIBS_PRIVATE}")
  set(FC_FIND_OPENSSL "find_dependency(OpenSSL 3.0)")
endif()

# farcall.pc finds its prefix from where it lies, so an installed tree can be moved.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(FC_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
  set(FC_PC_LIBDIR "${CMAKE_INSTALL_LIBDIR}")
else()
  file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
  string(REGEX REPLACE "/$" "" up "${up}")
  set(FC_PC_PREFIX "\${pcfiledir}/${up}")
  set(FC_PC_LIBDIR "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
endif()
configure_file(cmake/farcall.pc.in farcall.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/farcall.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

set(package "${CMAKE_INSTALL_LIBDIR}/cmake/farcall")
configure_package_config_file(cmake/farcallConfig.cmake.in farcallConfig.cmake
                              INSTALL_DESTINATION "${package}")
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(farcallConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT farcallTargets NAMESPACE farcall:: DESTINATION "${package}")
install(FILES "${PROJECT_BINARY_DIR}/farcallConfig.cmake"
              "${PROJECT_BINARY_DIR}/farcallConfigVersion.cmake" DESTINATION "${package}")
