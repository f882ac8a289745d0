# Sourced by the other scripts: what they all need. Says what it installs; quick when all is there.
set -euo pipefail
kw_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$kw_root"

kw_packages=(
  clang-19 lld-19 cmake ninja-build ccache pkg-config protobuf-compiler libprotobuf-dev
  libboost1.81-dev libboost-json1.81-dev libboost-system1.81-dev libboost-url1.81-dev
  libssl-dev libsqlite3-dev libusb-1.0-0-dev libspdlog-dev libfmt-dev libtomlplusplus-dev libcli11-dev doctest-dev
  libpcsclite-dev
  curl jq
)
kw_deb_packages=(dpkg-dev file)

# What only tests need: real programs at the other end of our wires, a browser, a bare root file system.
kw_test_packages=(
  cups-ipp-utils dbus-daemon umockdev libumockdev-dev pcscd libccid pcsc-tools
  python3-pymodbus python3-serial python3-serial-asyncio socat
  nut-server nut-client
  snmpd snmp snmpsim libsnmp-dev
  chromium chromium-driver
  debootstrap faketime iproute2 python3 systemd
)

# The fuzz targets: libFuzzer, and names for the addresses in a finding.
kw_fuzz_packages=(libclang-rt-19-dev llvm-19)

# The Windows build and its tests.
kw_windows_packages=(
  g++-mingw-w64-x86-64-posix libz-mingw-w64-dev dpkg-dev make patch perl tcl wine64
)

# install PACKAGE...: those that are missing, as root or by sudo.
install() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  echo "Installing: ${missing[*]}" >&2
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" >&2
}

# build PRESET TARGET...
build() {
  local preset=$1
  shift
  [ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >&2
  cmake --build "build/$preset" --target "$@" >&2
}
