#!/usr/bin/env bash
# torture.sh [--seconds N] [--seed S]: a mix of every fault we can make, for about N seconds (60); from one seed.
# torture.sh --full [--seed S]: the figures to reach before a release, in pieces of less than an hour. A piece that is
# done is not done again: end it whenever you like and call it again.
# The last line is one JSON object; fails when something was lost, came twice, out of order or as something else, when
# a gap had no name or a program did not start, and when a kind of fault was never tried (N of 60 and more).
source "$(dirname "$0")/setup.sh"
install "${kw_packages[@]}" "${kw_test_packages[@]}"
seconds=60 seed=1 full=''
usage() { echo "torture.sh: $1 (torture.sh [--seconds N | --full] [--seed S])" >&2; exit 2; }
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) [[ ${2-} =~ ^[0-9]{1,7}$ ]] || usage '--seconds: a whole number'; seconds=$((10#$2)); shift ;;
    --seed) [[ ${2-} =~ ^[0-9]{1,20}$ ]] || usage '--seed: a whole number'; seed=$2; shift ;;
    --full) full=yes ;;
    *) usage "no option $1" ;;
  esac
  shift
done
build release kw_simulation torture_test torture_frames torture_slow journeys_test kiosk-agent kiosk-collector kioskctl \
  kiosk-devices
bin=build/release/bin
[ ! -d /dev/shm ] || export TMPDIR=/dev/shm
# Bash counts to 2^63; the programs take 32 bits of it and more.
seed=$((10#$seed & 0xffffffffffff))

# Pieces that failed: their figures count, and they are done again the next time.
unfinished=()
# piece NAME COMMAND...: its lines of JSON go to $out/NAME.json, all that it says to $out/NAME.log.
piece() {
  local name=$1 status=0
  shift
  [ ! -s "$out/$name.json" ] || return 0
  echo "$(date +%T) $name" >&2
  "$@" > "$out/$name.log" 2>&1 || status=$?
  grep '^{' "$out/$name.log" > "$out/$name.part" || true
  if [ $status -ne 0 ]; then
    unfinished+=("$out/$name.json")
    echo "$name ended with $status; the whole log: $out/$name.log" >&2
    grep -v '^{' "$out/$name.log" | tail -n 30 >&2
    echo '{"failed":1}' >> "$out/$name.part"
  fi
  mv "$out/$name.part" "$out/$name.json"
}

simulation() { # NAME FIRST-SEED OPTION...
  piece "$1" "$bin/kw_simulation" --from "$2" "${@:3}"
}
torture() { # NAME FILES SEED TIMES
  KW_TORTURE_SEED=$3 KW_TORTURE_TIMES=$4 piece "$1" "$bin/torture_test" "--source-file=$2" "--test-case-exclude=control*"
}
frames() { # NAME SEED FRAMES LIVE
  piece "$1" "$bin/torture_frames" --seed "$2" --frames "$3" --live "$4"
}
kills() { # NAME SEED EACH OUTAGE
  KW_SEED=$(($2 & 0x7fffffff)) KW_KILLS=$3 KW_OUTAGE_S=$4 piece "$1" "$bin/journeys_test" \
    '--source-file=*loss_test*' '--test-case=agent and collector killed*'
}

full_disks() { # NAME
  piece "$1" "$bin/journeys_test" '--source-file=*full_disk_test*'
}
slow_clients() { # NAME MUTE OF-EACH-OTHER-KIND
  piece "$1" "$bin/torture_slow" --mute "$2" --others "$3"
}

# One object of all: what the programs call it on the left.
summary() {
  cat "$out"/*.json | jq -sc '
    def sum(f): map(f // 0) | add // 0;
    { seeds: sum(.seeds), partitions: sum(.partitions), crashes: sum(.crashes), io_cases: sum(.io_cases),
      kills: sum(.kills), bit_flips: sum(.bit_flips), frames: sum(.frames),
      full_disks: sum(if .torture then .full_disks else 0 end), slow_clients: sum(.slow_clients), acknowledged: sum(.acknowledged),
      failed: sum(.failed), wrong: sum((.wrong // 0) + (.other_violations // 0)),
      lost: sum(.lost), duplicated: sum(.duplicated), out_of_order: sum(.out_of_order),
      unnamed_gaps: sum(.unnamed_gaps), start_failures: sum(.start_failures) }'
}

if [ -n "$full" ]; then
  # What was measured is kept by the name of the commit.
  git diff --quiet HEAD || usage '--full: there are changes that are not committed'
  out=build/torture/full-$(git rev-parse --short HEAD)-$seed
  mkdir -p "$out"
  for i in 0 1 2 3; do simulation "simulation-$i" $((seed + i * 500)) --seeds 500; done
  torture crash '*crash_*_test*' "$seed" 2
  torture io '*io_*_test*' "$seed" 2
  torture flips '*flips_*test*' "$seed" 2
  frames frames "$seed" 1000000 10000
  full_disks disks
  slow_clients slow 300 40
  for i in 0 1 2; do kills "kills-$i" $((seed + i)) 100 60; done
else
  out=build/torture/mix
  rm -rf "$out"
  mkdir -p "$out"
  until=$((SECONDS + seconds))
  share=$((seconds / 8 + 1))
  # A mix of a minute has all kinds, however slow the machine.
  left() { [ $SECONDS -lt $until ] || { [ $round -eq 0 ] && [ "$seconds" -ge 60 ]; }; }
  for ((round = 0; round == 0 || SECONDS < until; ++round)); do
    n=$((seed + round * 7919))
    simulation "$round-simulation" $((n * 1000)) --seeds 1000 --seconds $share
    ! left || torture "$round-flips" '*flips_*test*' $n 1
    ! left || frames "$round-frames" $n 20000 500
    ! left || kills "$round-kills" $n 3 2
    ! left || full_disks "$round-disks"
    ! left || slow_clients "$round-slow" 100 10
    ! left || torture "$round-io" '*io_*_test*' $n 1
    ! left || torture "$round-crash" '*crash_*_test*' $n 1
  done
fi
line=$(summary)
for file in "${unfinished[@]}"; do mv "$file" "$file.failed"; done
if [ -n "$full" ] || [ "$seconds" -ge 60 ]; then
  untried=$(jq -r '[to_entries[:9][] | select(.value == 0) | .key] | join(" ")' <<< "$line")
  [ -z "$untried" ] || echo "torture.sh: never tried: $untried" >&2
fi
echo "$line"
[ -z "${untried-}" ] && jq -e '[to_entries[-7:][].value] | add == 0' <<< "$line" > /dev/null
