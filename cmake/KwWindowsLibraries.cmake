# The targets of KwLibraries.cmake, out of what packaging/windows/sysroot.sh made. Named here one by one:
# CMake's own modules would find the build machine's.
function(kw_windows_library name)
  cmake_parse_arguments(given "" "" "FILES;LINK;DEFINE" ${ARGN})
  add_library(${name} INTERFACE IMPORTED GLOBAL)
  target_include_directories(${name} SYSTEM INTERFACE ${KW_WIN_SYSROOT}/include)
  list(TRANSFORM given_FILES PREPEND ${KW_WIN_SYSROOT}/lib/)
  target_link_libraries(${name} INTERFACE ${given_FILES} ${given_LINK})
  target_compile_definitions(${name} INTERFACE ${given_DEFINE})
endfunction()

if(NOT EXISTS ${KW_WIN_SYSROOT}/lib/libssl.a)
  message(FATAL_ERROR "No libraries in KW_WIN_SYSROOT \"${KW_WIN_SYSROOT}\": use packaging/windows/build.sh")
endif()

kw_windows_library(Threads::Threads)
kw_windows_library(Boost::system DEFINE BOOST_ALL_NO_LIB LINK ws2_32 mswsock)
kw_windows_library(Boost::json DEFINE BOOST_ALL_NO_LIB FILES libboost_json.a)
kw_windows_library(Boost::url DEFINE BOOST_ALL_NO_LIB FILES libboost_url.a)
kw_windows_library(OpenSSL::Crypto FILES libcrypto.a LINK ws2_32 crypt32 gdi32 advapi32)
kw_windows_library(OpenSSL::SSL FILES libssl.a LINK OpenSSL::Crypto)
kw_windows_library(SQLite::SQLite3 FILES libsqlite3.a)
kw_windows_library(protobuf::libprotobuf-lite FILES libprotobuf-lite.a)
kw_windows_library(kw_log_libraries DEFINE SPDLOG_FMT_EXTERNAL FILES libfmt.a)
kw_windows_library(kw_libusb FILES libusb-1.0.a)
target_include_directories(kw_libusb SYSTEM INTERFACE ${KW_WIN_SYSROOT}/include/libusb-1.0)
kw_windows_library(CLI11::CLI11)
kw_windows_library(doctest::doctest)

# The compiler of .proto files runs here and now.
find_program(KW_PROTOC protoc REQUIRED)
add_executable(protobuf::protoc IMPORTED GLOBAL)
set_target_properties(protobuf::protoc PROPERTIES IMPORTED_LOCATION ${KW_PROTOC})
