# What every part is compiled with.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR
    "g++ ${CMAKE_CXX_COMPILER_VERSION} miscompiles C++20 coroutines without a warning (temporaries "
    "inside an awaiting expression are copied bytewise). Use clang 19: the presets name it.")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

find_program(KW_CCACHE ccache)
if(KW_CCACHE)
  # Paths count relative to the checkout, so that a fresh clone elsewhere finds what is cached.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}
      CCACHE_NOHASHDIR=1 ${KW_CCACHE})
endif()

# Compiling Beast takes a gigabyte a file: not more than two such files at a time.
set_property(GLOBAL PROPERTY JOB_POOLS beast=2)

add_library(kw_flags INTERFACE)
target_include_directories(kw_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(kw_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast
  -Wno-missing-designated-field-initializers  # defaults are given in the struct on purpose
  -ffunction-sections -fdata-sections)
target_compile_definitions(kw_flags INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
  KW_VERSION="${PROJECT_VERSION}")
if(WIN32)
  set(CMAKE_CXX_LINK_EXECUTABLE "${KW_WIN_LINKER} <LINK_FLAGS> <OBJECTS> -o <TARGET> <LINK_LIBRARIES>")
else()
  target_link_options(kw_flags INTERFACE -fuse-ld=lld -Wl,--gc-sections)
endif()

set(KW_SANITIZE "" CACHE STRING "address, thread, fuzz or empty")
if(KW_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(KW_SANITIZE STREQUAL "fuzz") # as address, and libFuzzer is told where the program goes
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(KW_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
endif()

# What is shipped carries its libraries with it, libc apart: one file to install, and nothing of it is shared
# memory that somebody else's program happens to pay for.
option(KW_STATIC "link everything but libc into the programs" OFF)
if(KW_STATIC)
  # Relative relocations packed: they would be a sixth of the program.
  add_link_options(-static-libstdc++ -static-libgcc -Wl,--icf=safe -Wl,-z,pack-relative-relocs)
endif()

# kw_windows_facts(PROGRAM DESCRIPTION): what Windows shows of a program; nothing elsewhere.
function(kw_windows_facts program description)
  if(WIN32)
    configure_file(${PROJECT_SOURCE_DIR}/packaging/windows/program.rc.in ${program}.rc @ONLY)
    target_sources(${program} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/${program}.rc)
  endif()
endfunction()
