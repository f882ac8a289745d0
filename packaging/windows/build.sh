#!/usr/bin/env bash
# build.sh [TARGET...]: builds agent, kioskctl and the tests for Windows into build/windows/bin. The libraries
# for it are made once and kept outside the checkout, until this script's sister or a package changes.
source "$(dirname "$0")/../setup.sh"
install "${kw_packages[@]}" "${kw_windows_packages[@]}"

versions=$(dpkg-query -W g++-mingw-w64-x86-64-posix libz-mingw-w64-dev libboost1.81-dev libfmt-dev libspdlog-dev \
  libtomlplusplus-dev libcli11-dev doctest-dev libssl-dev libsqlite3-dev libprotobuf-dev)
key=$(cat packaging/windows/sysroot.sh - <<<"$versions" | sha256sum | cut -c 1-16)
kept=${XDG_CACHE_HOME:-$HOME/.cache}/kioskwatch
sysroot=$kept/windows-sysroot-$key
mkdir -p "$kept"
(
  flock 9 # another checkout may be at it
  [ -d "$sysroot" ] || packaging/windows/sysroot.sh "$sysroot"
) 9>"$kept/lock"

cmake --preset windows -DKW_WIN_SYSROOT="$sysroot" >&2
cmake --build build/windows --target "${@:-all}" >&2
