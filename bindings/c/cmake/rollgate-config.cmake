# find_package(rollgate) gives the targets rollgate::rollgate, the shared library, and rollgate::static.
get_filename_component(_rollgate_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET rollgate::rollgate)
  add_library(rollgate::rollgate SHARED IMPORTED)
  set_target_properties(rollgate::rollgate PROPERTIES
    IMPORTED_LOCATION "${_rollgate_prefix}/lib/librollgate.so"
    IMPORTED_SONAME "librollgate.so.0"
    INTERFACE_INCLUDE_DIRECTORIES "${_rollgate_prefix}/include")
  add_library(rollgate::static STATIC IMPORTED)
  set_target_properties(rollgate::static PROPERTIES
    IMPORTED_LOCATION "${_rollgate_prefix}/lib/librollgate.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_rollgate_prefix}/include"
    INTERFACE_LINK_LIBRARIES "pthread;dl;m;gcc_s")
endif()
set(rollgate_FOUND TRUE)
unset(_rollgate_prefix)
