# What every target of the house has in common: C++20, warnings as errors, the
# repository root as the one include root, ccache where it is installed.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()

set(DAO_HIL_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize= (address,undefined or thread)")

function(dao_hil_flags target)
  target_compile_options(${target} PRIVATE
    # The same result on every machine: arm64 would fuse a * b + c by itself.
    -ffp-contract=off
    # Nobody asks errno about a square root; without it sqrt is one instruction, also on vectors.
    -fno-math-errno
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
    $<$<COMPILE_LANGUAGE:CXX>:-Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual>)
  if(DAO_HIL_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${DAO_HIL_SANITIZE} -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE -fsanitize=${DAO_HIL_SANITIZE})
    if(DAO_HIL_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # The thread sanitizer does not model fences; under it the frame copy is
      # made of atomics instead (shm/detail/racy_copy.hpp).
      target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wno-tsan>)
    endif()
  endif()
endfunction()

# dao_hil_library(<folder> SOURCES ... PUBLIC <targets> PRIVATE <targets>)
function(dao_hil_library folder)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(dao_hil_${folder} STATIC ${ARG_SOURCES})
  add_library(dao_hil::${folder} ALIAS dao_hil_${folder})
  set_target_properties(dao_hil_${folder} PROPERTIES EXPORT_NAME ${folder})
  target_include_directories(dao_hil_${folder} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/dao_hil>)
  target_compile_features(dao_hil_${folder} PUBLIC cxx_std_20)
  target_link_libraries(dao_hil_${folder} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  dao_hil_flags(dao_hil_${folder})
endfunction()
