#!/usr/bin/env bash
# deb.sh [FOLDER]: builds kiosk-agent, kioskctl and kiosk-collector as Debian packages into FOLDER
# (default build/packages).
source "$(dirname "$0")/setup.sh"
install "${kw_packages[@]}" "${kw_deb_packages[@]}"
folder=${1:-$kw_root/build/packages}
build release kiosk-agent kioskctl kiosk-collector
mkdir -p "$folder"
cpack --config build/release/CPackConfig.cmake -B "$folder" "${@:2}" > "$folder/cpack.log" 2>&1 \
  || { cat "$folder/cpack.log" >&2; exit 1; }
rm -rf "$folder/_CPack_Packages"
ls "$folder"/*.deb
