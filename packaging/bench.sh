#!/usr/bin/env bash
# bench.sh [NAME] [--quick] [--json]: measures beside a reference in the same run. Without a name: all.
# The last line of each is one JSON object.
source "$(dirname "$0")/setup.sh"
install "${kw_packages[@]}"
names=() options=()
for argument in "$@"; do
  case $argument in
    --json) ;; # the last line is the object either way
    --*) options+=("$argument") ;;
    *) names+=("$argument") ;;
  esac
done
known=(agent connections devices fleet ingest kiosk outage soak)
[ ${#names[@]} -gt 0 ] || names=("${known[@]}")
for name in "${names[@]}"; do
  if [[ ! " ${known[*]} " == *" $name "* ]]; then
    echo "bench.sh: no bench \"$name\"; known: ${known[*]}" >&2
    exit 2
  fi
  if [ -f "tests/bench/$name.sh" ]; then
    (source "tests/bench/$name.sh" "${options[@]}")
    continue
  fi
  build release "bench_$name"
  "build/release/bin/bench_$name" "${options[@]}"
done
