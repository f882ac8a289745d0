# Drivers and their simulated counterparts. drivers/CMakeLists.txt names each with one line; everything
# that a build needs to know of them is derived here.
set(KW_CMAKE_DIR ${CMAKE_CURRENT_LIST_DIR})

# kw_driver(NAME FOLDER [SOURCES FILE...]): one driver. Compiles FOLDER/driver.cpp into kw_drivers, and
# FOLDER/FILE... where its protocol needs more than one, FOLDER/driver_test.cpp into drivers_test, embeds
# FOLDER/profiles/*.toml, and adds NAME_card() to the generated catalogue: explicit, so no linker can drop
# a driver.
function(kw_driver name folder)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "SOURCES")
  list(TRANSFORM arg_SOURCES PREPEND ${folder}/)
  set_property(GLOBAL APPEND PROPERTY KW_DRIVER_SOURCES ${folder}/driver.cpp ${arg_SOURCES})
  set_property(GLOBAL APPEND PROPERTY KW_DRIVERS ${name})
  set_property(GLOBAL APPEND PROPERTY KW_DRIVER_FOLDERS ${folder})
endfunction()

# kw_player(PROTOCOL): one simulated peripheral, simulators/PROTOCOL.cpp, for kiosk-devices only.
function(kw_player protocol)
  set_property(GLOBAL APPEND PROPERTY KW_PLAYERS ${protocol})
endfunction()

# kw_generate_catalogue(OUT): catalogue.cpp, and profiles.cpp with every profile as a raw string, so
# that the programs need no file beside them at run time.
function(kw_generate_catalogue out)
  get_property(names GLOBAL PROPERTY KW_DRIVERS)
  get_property(folders GLOBAL PROPERTY KW_DRIVER_FOLDERS)
  set(KW_DECLARATIONS "")
  set(KW_CALLS "")
  set(KW_PROFILES "")
  foreach(name folder IN ZIP_LISTS names folders)
    string(APPEND KW_DECLARATIONS "Card ${name}_card();\n")
    string(APPEND KW_CALLS "      ${name}_card(),\n")
    file(GLOB profiles CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/profiles/*.toml)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${profiles})
    foreach(profile IN LISTS profiles)
      get_filename_component(model ${profile} NAME_WE)
      file(READ ${profile} text)
      string(APPEND KW_PROFILES "      Profile{\"${name}\", \"${model}\", R\"kwtoml(${text})kwtoml\"},\n")
    endforeach()
  endforeach()
  configure_file(${KW_CMAKE_DIR}/catalogue.cpp.in ${CMAKE_CURRENT_BINARY_DIR}/catalogue.cpp @ONLY)
  configure_file(${KW_CMAKE_DIR}/profiles.cpp.in ${CMAKE_CURRENT_BINARY_DIR}/profiles.cpp @ONLY)
  set(${out} ${CMAKE_CURRENT_BINARY_DIR}/catalogue.cpp ${CMAKE_CURRENT_BINARY_DIR}/profiles.cpp PARENT_SCOPE)
endfunction()

# kw_generate_players(OUT): the list of simulated protocols.
function(kw_generate_players out)
  get_property(protocols GLOBAL PROPERTY KW_PLAYERS)
  set(KW_DECLARATIONS "")
  set(KW_CALLS "")
  foreach(protocol IN LISTS protocols)
    string(APPEND KW_DECLARATIONS "PlayerCard ${protocol}_player();\n")
    string(APPEND KW_CALLS "      ${protocol}_player(),\n")
  endforeach()
  configure_file(${KW_CMAKE_DIR}/players.cpp.in ${CMAKE_CURRENT_BINARY_DIR}/players.cpp @ONLY)
  set(${out} ${CMAKE_CURRENT_BINARY_DIR}/players.cpp PARENT_SCOPE)
endfunction()
