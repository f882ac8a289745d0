# KW_STATIC=ON builds what ships: third-party libraries are inside the programs (Debian's .a archives),
# only libc and libm stay shared. A kiosk then maps what it uses of them and nothing else; with shared
# libraries each costs its relocations and data, whether used or not.
option(KW_STATIC "link third-party libraries statically" OFF)
if(KW_STATIC)
  set(OPENSSL_USE_STATIC_LIBS ON)
  set(Protobuf_USE_STATIC_LIBS ON)
  find_library(SQLite3_LIBRARY NAMES libsqlite3.a REQUIRED)
  add_link_options(-static-libstdc++ -static-libgcc -Wl,--icf=safe -Wl,-z,pack-relative-relocs)
endif()
