# find_package(resayil) gives these targets:
#   resayil::resayil   the shared library and resayil.h
#   resayil::static    the static library and resayil.h
#   resayil::cpp       resayil.hpp over the shared library, C++17
# Lies in <prefix>/lib/cmake/resayil; the installation may be moved as a whole.
get_filename_component(_resayil_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
set(_resayil_library
    "${_resayil_prefix}/lib/${CMAKE_SHARED_LIBRARY_PREFIX}resayil${CMAKE_SHARED_LIBRARY_SUFFIX}")
set(_resayil_archive
    "${_resayil_prefix}/lib/${CMAKE_STATIC_LIBRARY_PREFIX}resayil${CMAKE_STATIC_LIBRARY_SUFFIX}")

if(NOT EXISTS "${_resayil_prefix}/include/resayil.h")
    set(resayil_FOUND FALSE)
    set(resayil_NOT_FOUND_MESSAGE "there is no resayil.h in ${_resayil_prefix}/include")
    return()
endif()

if(NOT TARGET resayil::resayil)
    add_library(resayil::resayil SHARED IMPORTED)
    set_target_properties(resayil::resayil PROPERTIES
        IMPORTED_LOCATION "${_resayil_library}"
        INTERFACE_INCLUDE_DIRECTORIES "${_resayil_prefix}/include")

    find_package(Threads REQUIRED)
    add_library(resayil::static STATIC IMPORTED)
    set_target_properties(resayil::static PROPERTIES
        IMPORTED_LOCATION "${_resayil_archive}"
        INTERFACE_INCLUDE_DIRECTORIES "${_resayil_prefix}/include"
        INTERFACE_LINK_LIBRARIES "Threads::Threads;${CMAKE_DL_LIBS};m")

    add_library(resayil::cpp INTERFACE IMPORTED)
    set_target_properties(resayil::cpp PROPERTIES
        INTERFACE_LINK_LIBRARIES resayil::resayil
        INTERFACE_COMPILE_FEATURES cxx_std_17)
endif()

unset(_resayil_prefix)
unset(_resayil_library)
unset(_resayil_archive)
