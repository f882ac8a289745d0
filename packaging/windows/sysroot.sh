#!/usr/bin/env bash
# sysroot.sh FOLDER: the static libraries and headers that the Windows build (x86_64, mingw-w64, posix
# threads) links, cross-built from Debian's source packages. Takes some minutes, once: build.sh keeps the
# result outside the checkout. Logs stay in FOLDER.work when a library fails.
set -euo pipefail
final=$(realpath -m "${1:?usage: sysroot.sh FOLDER}")
work=$final.work
prefix=$work/prefix
target=x86_64-w64-mingw32
jobs=$(nproc)
export CC=$target-gcc-posix CXX=$target-g++-posix AR=$target-ar RANLIB=$target-ranlib WINDRES=$target-windres
options="-O2 -g0 -ffunction-sections -fdata-sections -D_WIN32_WINNT=0x0A00 -ffile-prefix-map=$work=."
rm -rf "$work"
mkdir -p "$prefix"/{lib,include} "$work/sources"

# The machine's own package sources, asked for source packages, in an apt configuration that is ours alone.
apt="$work/apt"
mkdir -p "$apt"/{parts,lists/partial,cache/archives/partial}
for list in /etc/apt/sources.list.d/*.sources; do
  [ -f "$list" ] && sed 's/^Types:.*/Types: deb-src/' "$list" >"$apt/parts/${list##*/}"
done
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  [ -f "$list" ] && sed -n 's/^deb /deb-src /p' "$list" >"$apt/parts/$(basename "$list" .list).list"
done
apt_get() {
  apt-get -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$apt/parts" -o APT::Sandbox::User= \
    -o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt/cache" "$@"
}
# A source without source packages (a vendor's) is no reason to stop: what is missing shows in fetch.
apt_get update -qq >"$work/apt.log" 2>&1 || true

# fetch PACKAGE [PATCHLESS]: its source, unpacked and patched, into $work/PACKAGE; apt checks the hashes. With
# PATCHLESS the upstream archive alone will do where the rest cannot be had: it is said then.
fetch() {
  local package=$1 patchless=${2:-} archive description
  (cd "$work/sources" && apt_get source --download-only -qq "$package") >>"$work/apt.log" 2>&1 || true
  description=$(find "$work/sources" -name "${package}_*.dsc" | sort -V | tail -1)
  if [ -n "$description" ]; then
    dpkg-source --no-check -x "$description" "$work/$package" >>"$work/apt.log" 2>&1
    return
  fi
  archive=$(find "$work/sources" -name "${package}_*.orig.tar.*" ! -name '*.asc' | sort -V | tail -1)
  if [ -z "$patchless" ] || [ -z "$archive" ]; then
    tail -5 "$work/apt.log" >&2
    echo "sysroot.sh: no source of $package" >&2
    return 1
  fi
  echo "sysroot.sh: $package without Debian's patches: only ${archive##*/} can be fetched" >&2
  mkdir -p "$work/$package"
  tar -xf "$archive" -C "$work/$package" --strip-components=1
}

# make_NAME, timed, with its log.
library() {
  local from=$SECONDS
  if ! ("make_$1") >"$work/$1.log" 2>&1; then
    tail -20 "$work/$1.log" >&2
    echo "sysroot.sh: $1 failed; log: $work/$1.log" >&2
    exit 1
  fi
  echo "  $1: $((SECONDS - from)) s" >&2
}

# Header-only, or compiled from headers. /usr/include itself must never be on the include path: it has the
# headers of another C library.
make_headers() {
  local name
  for name in boost fmt spdlog toml++ CLI doctest; do
    ln -s "/usr/include/$name" "$prefix/include/$name"
  done
  cp "/usr/$target/include/"{zlib,zconf}.h "$prefix/include/"
  cp "/usr/$target/lib/libz.a" "$prefix/lib/"
}

make_boost() {
  local name
  for name in json url; do
    echo "#include <boost/$name/src.hpp>" >"$work/boost_$name.cpp"
    $CXX -std=c++20 $options -DBOOST_ALL_NO_LIB -Wa,-mbig-obj -I"$prefix/include" -c "$work/boost_$name.cpp" \
      -o "$work/boost_$name.o" &
  done
  wait %1 && wait %2
  for name in json url; do $AR rcs "$prefix/lib/libboost_$name.a" "$work/boost_$name.o"; done
}

make_fmt() {
  fetch fmtlib
  $CXX -std=c++20 $options -I"$work/fmtlib/include" -c "$work/fmtlib/src/format.cc" -o "$work/format.o"
  $CXX -std=c++20 $options -I"$work/fmtlib/include" -c "$work/fmtlib/src/os.cc" -o "$work/os.o"
  $AR rcs "$prefix/lib/libfmt.a" "$work/format.o" "$work/os.o"
}

# The folders that get compiled in are overridden as make variables: Configure on Linux takes "C:/…" for a
# relative path. They must be folders that only administrators can write.
make_openssl() {
  fetch openssl patchless
  cd "$work/openssl"
  ./Configure mingw64 --cross-compile-prefix= no-shared no-tests no-module no-dso no-engine no-dynamic-engine \
    no-autoload-config no-legacy no-ssl3 no-comp no-idea no-md2 no-mdc2 no-rc5 no-camellia no-seed no-dtls no-srp \
    no-psk no-gost no-ui-console no-aria no-bf no-cast no-cmp no-md4 no-rc2 no-whirlpool no-srtp no-ts \
    --prefix=/ossl --libdir=lib --openssldir=/ossl/ssl $options
  make -j"$jobs" build_libs OPENSSLDIR="C:/Program Files/Common Files/SSL" \
    ENGINESDIR="C:/Program Files/OpenSSL/lib/engines-3" MODULESDIR="C:/Program Files/OpenSSL/lib/ossl-modules"
  cp -r include/openssl "$prefix/include/"
  cp libssl.a libcrypto.a "$prefix/lib/"
}

# The amalgamation is made with this machine's own compiler and Tcl, then cross-compiled at once.
make_sqlite() {
  fetch sqlite3
  mkdir -p "$work/sqlite3/bld"
  cd "$work/sqlite3/bld"
  env -u CC -u CXX -u AR -u RANLIB ../configure --disable-tcl --disable-readline
  env -u CC -u CXX -u AR -u RANLIB make -j"$jobs" sqlite3.c
  $CC $options -DSQLITE_THREADSAFE=1 -DSQLITE_DQS=0 -DSQLITE_MAX_EXPR_DEPTH=0 -DSQLITE_OMIT_LOAD_EXTENSION \
    -DSQLITE_OMIT_SHARED_CACHE -DSQLITE_USE_ALLOCA -DSQLITE_LIKE_DOESNT_MATCH_BLOBS -c sqlite3.c -o sqlite3.o
  $AR rcs "$prefix/lib/libsqlite3.a" sqlite3.o
  cp sqlite3.h "$prefix/include/"
}

make_protobuf() {
  fetch protobuf
  cd "$work/protobuf"
  env -u CC -u CXX -u AR -u RANLIB cmake -S . -B bld -G Ninja -DCMAKE_SYSTEM_NAME=Windows \
    -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_CXX_FLAGS_RELEASE="$options -DNDEBUG" -Dprotobuf_BUILD_TESTS=OFF -Dprotobuf_BUILD_PROTOC_BINARIES=OFF \
    -Dprotobuf_BUILD_LIBPROTOC=OFF -Dprotobuf_BUILD_SHARED_LIBS=OFF -Dprotobuf_WITH_ZLIB=OFF
  cmake --build bld --target libprotobuf-lite -j "$jobs"
  cp bld/libprotobuf-lite.a "$prefix/lib/"
  cd src
  find google/protobuf \( -name '*.h' -o -name '*.inc' \) -print0 | xargs -0 cp --parents -t "$prefix/include"
}

make_libusb() {
  fetch libusb-1.0
  cd "$work/libusb-1.0"
  CFLAGS="$options" ./configure --host=$target --disable-shared --enable-static \
    --disable-examples-build --disable-tests-build
  make -j"$jobs"
  cp libusb/.libs/libusb-1.0.a "$prefix/lib/"
  mkdir -p "$prefix/include/libusb-1.0"
  cp libusb/libusb.h "$prefix/include/libusb-1.0/"
}

echo "Building the libraries of the Windows build:" >&2
for name in headers boost fmt openssl sqlite protobuf libusb; do library "$name"; done
rm -rf "$final"
mv "$prefix" "$final"
rm -rf "$work"
