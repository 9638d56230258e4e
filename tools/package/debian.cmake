# `cpack`: one package for Debian 12, with the command, the libraries and the headers.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_SOURCE_DIR}/debian_files.cmake)

set(CPACK_PACKAGE_CONTACT "sluice maintainers <maintainers@sluice.invalid>"
    CACHE STRING "Maintainer of the package")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "user-space TCP/IP dataplane on a TUN device
It ends TCP connections in user space, on packets from a TUN device. In this
package: the command sluice, with services for measurements and tests; a stack
without I/O as a C library; the engine as a C++20 library.")
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_SOURCE_DIR}/triggers)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# What runs needs shared libraries; who links sluice::engine needs their headers, too.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
string(REGEX REPLACE "([^ ]+)" "\\1-dev," recommended "${engine_packages}")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "${recommended} pkg-config")

include(CPack)
