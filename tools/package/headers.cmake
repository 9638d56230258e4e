# Run when installing: the public headers, and whatever they include.
#
# Variables: root (the source tree), into (a folder below the prefix).
set(headers dataplane/sluice.h dataplane/engine.hpp dataplane/coroutine.hpp)
set(read 0)
list(LENGTH headers known)
while(read LESS known)
  list(GET headers ${read} header)
  file(STRINGS ${root}/${header} lines REGEX "^#include \"")
  list(TRANSFORM lines REPLACE "^#include \"(.*)\".*" "\\1")
  list(APPEND headers ${lines})
  list(REMOVE_DUPLICATES headers)
  list(LENGTH headers known)
  math(EXPR read "${read} + 1")
endwhile()

foreach(header IN LISTS headers)
  get_filename_component(folder ${header} DIRECTORY)
  file(INSTALL ${root}/${header} DESTINATION ${CMAKE_INSTALL_PREFIX}/${into}/${folder})
endforeach()
