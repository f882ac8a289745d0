# kw_driver(NAME FOLDER): one driver. Compiles FOLDER/driver.cpp into kw_drivers, FOLDER/driver_test.cpp
# into drivers_test, embeds FOLDER/profiles/*.toml, and adds NAME_card() to the generated catalogue:
# explicit, so no linker can drop a driver.
function(kw_driver name folder)
  set_property(GLOBAL APPEND PROPERTY KW_DRIVERS ${name})
  set_property(GLOBAL APPEND PROPERTY KW_DRIVER_FOLDERS ${folder})
endfunction()

# kw_player(PROTOCOL): one simulated peripheral, simulators/PROTOCOL.cpp, for kiosk-devices only.
function(kw_player protocol)
  set_property(GLOBAL APPEND PROPERTY KW_PLAYERS ${protocol})
endfunction()
