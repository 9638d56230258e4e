# Run by cpack on what it has installed for the package: makes of it what Debian wants.
set(tree ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr)
set(documents ${tree}/share/doc/${CPACK_PACKAGE_NAME})

file(WRITE ${documents}/copyright
     "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: ${CPACK_PACKAGE_NAME}

Files: *
Copyright: the authors of ${CPACK_PACKAGE_NAME}
License: none-stated
 The sources from which this package was made state no licence.
")
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC) # or SOURCE_DATE_EPOCH
file(WRITE ${documents}/changelog
     "${CPACK_PACKAGE_NAME} (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium

  * Version ${CPACK_PACKAGE_VERSION}.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
file(GLOB archives ${tree}/lib/*.a)
file(GLOB pages ${tree}/share/man/man1/*)
execute_process(COMMAND strip --strip-debug ${archives} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND gzip --best --no-name ${pages} ${documents}/changelog
                COMMAND_ERROR_IS_FATAL ANY)
