#!/usr/bin/env bash
# Builds everything and passes all tests; ends with ctest's summary. Arguments go to ctest (-R NAME …).
source "$(dirname "$0")/setup.sh"
install "${kw_packages[@]}" "${kw_deb_packages[@]}" "${kw_test_packages[@]}" \
  "${kw_windows_packages[@]}"
# The rules that no compiler checks come first: they take no time.
cmake -DROOT="$kw_root" -P tests/house/rules.cmake
build release all
ctest --test-dir build/release --output-on-failure --no-tests=error "$@"
# Nothing that the tests said holds an identity that a simulated reader told.
build/release/bin/canary-scan build/release/Testing

# Four minutes of made-up bytes for everything that reads a device's answers.
[ $# -gt 0 ] || packaging/fuzz.sh --seconds 240

# What runs on kiosks with Windows too, built for it and run under Wine, in a Windows made for this run.
packaging/windows/build.sh
export WINEPREFIX=$kw_root/build/windows/wine
rm -rf "$WINEPREFIX"
trap '/usr/lib/wine/wineserver64 -k || true' EXIT
none=error
[ $# -eq 0 ] || none=ignore # what was asked for may be native only
ctest --test-dir build/windows --output-on-failure --no-tests=$none "$@"
