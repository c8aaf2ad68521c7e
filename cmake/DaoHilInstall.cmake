# What `cmake --install` lays down, for `find_package(dao_hil)` and pkg-config. The result may be
# moved: no installed text knows this source tree or the prefix.
option(DAO_HIL_INSTALL "Generate the install rules" ${PROJECT_IS_TOP_LEVEL})
if(NOT DAO_HIL_INSTALL)
  return()
endif()
include(CMakePackageConfigHelpers)

set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/dao_hil)
set(header_dir ${CMAKE_INSTALL_INCLUDEDIR}/dao_hil)

# The public libraries, and the libraries of ours that they are made of: a static library is of no
# use to a linker without those.
set(installed "")
set(foreign "")
set(to_visit dao_hil_shm dao_hil_simulators dao_hil_drivers dao)
while(to_visit)
  list(POP_FRONT to_visit library)
  string(REGEX REPLACE "^\\$<LINK_ONLY:(.*)>$" "\\1" library "${library}")
  if(library MATCHES "^dao_hil::(.*)$")
    set(library dao_hil_${CMAKE_MATCH_1})
  endif()
  if(library MATCHES "^dao(_hil_.*)?$")
    if(TARGET ${library} AND NOT library IN_LIST installed)
      list(APPEND installed ${library})
      get_target_property(links ${library} INTERFACE_LINK_LIBRARIES)
      if(links)
        list(APPEND to_visit ${links})
      endif()
    endif()
  elseif(library MATCHES "::|^yaml-cpp$")
    # By name: an imported target is not visible outside the folder that looked for it.
    list(APPEND foreign ${library})
  endif()
endwhile()
list(REMOVE_DUPLICATES foreign)

# Libraries of others: how a user's project finds each again.
set(DAO_HIL_DEPENDENCIES "")
foreach(library IN LISTS foreign)
  if(library MATCHES "^Threads::")
    set(line "find_dependency(Threads)")
  elseif(library MATCHES "^fmt::")
    set(line "find_dependency(fmt)")
  elseif(library MATCHES "^(yaml-cpp|yaml-cpp::.*)$")
    set(line "find_dependency(yaml-cpp)")
  elseif(library MATCHES "^OpenSSL::")
    set(line "find_dependency(OpenSSL)")
  elseif(library MATCHES "^ZLIB::")
    set(line "find_dependency(ZLIB)")
  elseif(library MATCHES "^Eigen3::")
    set(line "find_dependency(Eigen3)")
  elseif(library MATCHES "^nlohmann_json::")
    set(line "find_dependency(nlohmann_json)")
  elseif(library MATCHES "^PkgConfig::(.*)$")
    # pkg_check_modules(<PREFIX> IMPORTED_TARGET <module>) keeps the module's name in the cache.
    set(prefix ${CMAKE_MATCH_1})
    set(line "find_dependency(PkgConfig)\npkg_check_modules(${prefix} REQUIRED QUIET IMPORTED_TARGET ${${prefix}_MODULE_NAME})")
  else()
    message(SEND_ERROR "cmake/DaoHilInstall.cmake: say how a user's project finds ${library}")
  endif()
  list(APPEND DAO_HIL_DEPENDENCIES "${line}")
endforeach()
list(REMOVE_DUPLICATES DAO_HIL_DEPENDENCIES)
list(JOIN DAO_HIL_DEPENDENCIES "\n" DAO_HIL_DEPENDENCIES)

install(TARGETS ${installed} EXPORT dao_hil
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT dao_hil NAMESPACE dao_hil:: FILE dao_hilTargets.cmake DESTINATION ${config_dir})
configure_package_config_file(cmake/dao_hilConfig.cmake.in dao_hilConfig.cmake
  INSTALL_DESTINATION ${config_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(dao_hilConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES
    ${CMAKE_CURRENT_BINARY_DIR}/dao_hilConfig.cmake
    ${CMAKE_CURRENT_BINARY_DIR}/dao_hilConfigVersion.cmake
  DESTINATION ${config_dir})

# Headers keep their folders, because "shm/writer.hpp" is how they include each other. Public
# headers of shm/ hold members of types from its detail/.
install(DIRECTORY shm DESTINATION ${header_dir} FILES_MATCHING PATTERN "*.hpp"
  PATTERN "python" EXCLUDE PATTERN "daoShm.hpp" EXCLUDE)
foreach(folder simulators drivers)
  file(GLOB headers CONFIGURE_DEPENDS ${folder}/*.hpp)
  install(FILES ${headers} DESTINATION ${header_dir}/${folder})
endforeach()

if(TARGET dao_hil_python)
  set(python_dir ${CMAKE_INSTALL_LIBDIR}/python3/dist-packages)
  install(TARGETS dao_hil_python LIBRARY DESTINATION ${python_dir}/daohil)
  install(DIRECTORY shm/python/daohil DESTINATION ${python_dir}
    FILES_MATCHING PATTERN "*.py" PATTERN "*.pyi" PATTERN "py.typed")
  install(FILES shm/python/daoShm.py DESTINATION ${python_dir})
endif()

if(TARGET hil)
  install(TARGETS hil RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(DIRECTORY hil/report/page DESTINATION ${CMAKE_INSTALL_DATADIR}/dao_hil
    FILES_MATCHING PATTERN "*.py" PATTERN "*.j2" PATTERN "__pycache__" EXCLUDE)
endif()

# dao_hil_pc(<name>): a pkg-config file that finds its prefix from where it stands.
function(dao_hil_pc name)
  file(RELATIVE_PATH DAO_HIL_PC_PREFIX
    ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
  string(REGEX REPLACE "/$" "" DAO_HIL_PC_PREFIX "${DAO_HIL_PC_PREFIX}")
  configure_file(cmake/${name}.pc.in ${name}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

dao_hil_pc(dao_hil)
if(TARGET dao)
  target_include_directories(dao INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  install(FILES shm/dao.h shm/daoShm.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  dao_hil_pc(dao)
endif()
