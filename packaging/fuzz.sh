#!/usr/bin/env bash
# fuzz.sh [--seconds N | --each N] [--keep] [TARGET...]: gives every fuzz target (all, or those named) time with
# libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer. --seconds: for all together (240), the same walk
# every time, as far as the machine gets on it; --each: for each, another walk every time.
# What it finds is printed, kept in build/fuzz/findings, and fails. --keep: inputs that reach what the corpus does
# not are added to it (tests/fuzz/corpus).
source "$(dirname "$0")/setup.sh"
install "${kw_packages[@]}" "${kw_fuzz_packages[@]}"
seconds=240 each='' seed=1 keep='' targets=()
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=$2; shift ;;
    --each) each=$2 seed=0; shift ;;
    --keep) keep=yes ;;
    -*) echo "fuzz.sh: no option $1" >&2; exit 2 ;;
    *) targets+=("$1") ;;
  esac
  shift
done
build fuzz fuzz
fuzz=build/fuzz/bin/fuzz
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <("$fuzz" --list)
[ -n "$each" ] || each=$((seconds / ${#targets[@]}))
[ "$each" -ge 1 ] || each=1

export ASAN_OPTIONS=abort_on_error=0:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
export ASAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-19

# One target; its log in build/fuzz/logs.
run() {
  local name=$1 findings=build/fuzz/findings/$1 found=build/fuzz/found/$1 corpus=tests/fuzz/corpus/$1
  local log=build/fuzz/logs/$1.log size
  rm -rf "$findings"
  mkdir -p "$findings" "$found" "$corpus" build/fuzz/logs
  # Room for the longest seed and as much again; without it libFuzzer keeps to the longest that it has seen.
  size=$(find "$corpus" -type f -size +2k | head -n 1)
  if ! "$fuzz" "--target=$name" -seed=$seed -max_total_time="$each" -timeout=20 -report_slow_units=20 -rss_limit_mb=2048 -print_final_stats=1 \
    -max_len=$([ -n "$size" ] && echo 16384 || echo 4096) -dict=tests/fuzz/words.dict \
    -artifact_prefix="$findings/" "$found" "$corpus" > "$log" 2>&1; then
    echo "$name: FOUND something (whole log: $log)"
    grep -nE '^FINDING|ERROR: |runtime error:|SUMMARY|    #[0-9] ' "$log" | head -n 25
    for input in "$findings"/*; do
      [ -e "$input" ] || continue
      echo "input $input ($(stat -c %s "$input") bytes); again: $fuzz --target=$name $input"
      od -A x -t x1z "$input" | head -n 64
    done
    return 1
  fi
  rmdir "$findings"
  if [ -n "$keep" ]; then
    "$fuzz" "--target=$name" -set_cover_merge=1 -use_counters=0 "$corpus" "$found" > "$log.merge" 2>&1
  fi
  echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs in $each s, no finding;" \
    "$(find "$corpus" -type f | wc -l) in the corpus"
}

# As many at a time as there are cores; all are run whatever one of them finds.
failed=build/fuzz/failed
rm -f $failed
cores=$(nproc)
for name in "${targets[@]}"; do
  while [ "$(jobs -rp | wc -l)" -ge "$cores" ]; do wait -n || true; done
  { run "$name" || touch $failed; } &
done
wait
[ ! -e $failed ] || { echo "fuzz.sh: something was found" >&2; exit 1; }
echo "fuzz.sh: ${#targets[@]} targets, nothing was found"
