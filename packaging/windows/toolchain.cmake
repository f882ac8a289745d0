# clang 19 for x86_64 Windows with the headers, the C++ library and the linker of Debian's mingw-w64
# (posix threads). The linker is kept quiet: it remarks on every section
# that both compilers made ("duplicate section"), which harms nobody.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_SYSTEM_VERSION 10.0)

set(kw_target x86_64-w64-mingw32)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_CXX_COMPILER_TARGET ${kw_target})
set(CMAKE_AR ${kw_target}-ar CACHE FILEPATH "")
set(CMAKE_RANLIB ${kw_target}-ranlib CACHE FILEPATH "")
set(CMAKE_RC_COMPILER ${kw_target}-windres)

set(KW_WIN_SYSROOT "$ENV{KW_WIN_SYSROOT}" CACHE PATH "what packaging/windows/sysroot.sh made")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES KW_WIN_SYSROOT)
set(CMAKE_FIND_ROOT_PATH ${KW_WIN_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# The C++ library of the posix-threads variant: that of the other has neither threads nor mutexes.
file(GLOB kw_gcc LIST_DIRECTORIES true /usr/lib/gcc/${kw_target}/*-posix)
list(GET kw_gcc -1 kw_gcc)
set(CMAKE_CXX_FLAGS_INIT
  "-nostdinc++ -isystem ${kw_gcc}/include/c++ -isystem ${kw_gcc}/include/c++/${kw_target} -isystem ${kw_gcc}/include/c++/backward -D_WIN32_WINNT=0x0A00 -DWINVER=0x0A00 -DWIN32_LEAN_AND_MEAN -DNOMINMAX -DUNICODE -D_UNICODE")

# Linked by g++ (KwToolchain.cmake): it knows the start files and libraries of its variant. All of them go
# into the program. CMake's own trial of the compiler does not link.
set(KW_WIN_LINKER ${kw_target}-g++-posix)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_EXE_LINKER_FLAGS_INIT
  "-static -Wl,--gc-sections -Wl,--no-warnings -Wl,--nxcompat -Wl,--dynamicbase -Wl,--high-entropy-va")

set(CMAKE_CROSSCOMPILING_EMULATOR ${CMAKE_CURRENT_LIST_DIR}/wine-run.sh)
