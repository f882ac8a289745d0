#!/usr/bin/env bash
# Builds everything and passes all tests; ends with ctest's summary. Arguments go to ctest (-R NAME …).
source "$(dirname "$0")/setup.sh"
install "${kw_packages[@]}" "${kw_deb_packages[@]}" "${kw_test_packages[@]}"
# The rules that no compiler checks come first: they take no time.
cmake -DROOT="$kw_root" -P tests/house/rules.cmake
build release all
ctest --test-dir build/release --output-on-failure --no-tests=error "$@"
