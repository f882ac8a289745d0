#!/usr/bin/env bash
# restart.sh BIN KIOSKS SECONDS [RATE]: a fleet whose collector is killed in the middle and later ended and started
# again: nothing may be lost, no kiosk reported silent, and all must come back. Prints the fleet's figures and the
# verdict, one line of JSON each.
set -euo pipefail
bin=$1 kiosks=$2 seconds=$3 rate=${4:-1}
work=$(mktemp -d)
collector=''
cleanup() {
  [ -z "$collector" ] || kill -9 "$collector" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

"$bin/kiosk-collector" init --data "$work/c" --name 127.0.0.1 --name 127.0.0.2 > "$work/init.log"
"$bin/kiosk-fleet" enlist --collector "$work/c" --kiosks "$kiosks" --roster "$work/roster" > /dev/null

agents=127.0.0.1:0 people=127.0.0.1:0
start() {
  : > "$work/out"
  "$bin/kiosk-collector" run --data "$work/c" --agents "$agents" --people "$people" >> "$work/out" 2>> "$work/log" &
  collector=$!
  # The line that says where it listens.
  ready=$(grep -m 1 http < <(exec timeout 60 tail -n +1 -f --pid="$collector" "$work/out" 2> /dev/null)) ||
    { echo "the collector did not start" >&2; cat "$work/log" >&2; exit 1; }
}
start
port=$(grep -oE '(0\.0\.0\.0|127\.0\.0\.1):[0-9]+' <<< "$ready" | head -n 1 | cut -d: -f2)
# On all addresses from now on, and where it was.
kill "$collector"
wait "$collector" || true
agents=0.0.0.0:$port
start

"$bin/kiosk-fleet" run morning --collectors "127.0.0.1:$port,127.0.0.2:$port" --roster "$work/roster" \
  --seconds "$seconds" --ramp $((seconds / 6 + 1)) --spread $((seconds / 4 + 1)) --drain 120 --rate "$rate" \
  --ledger "$work/ledger" > "$work/fleet" 2> "$work/progress" &
fleet=$!
third=$((seconds / 3))
sleep "$third" # the moments of the faults: nothing in the system knows them
kill -9 "$collector"
wait "$collector" 2>/dev/null || true
start
sleep "$third"
kill "$collector"
wait "$collector" || true
start
ok=0
wait "$fleet" || ok=1
kill "$collector"
wait "$collector" || true
collector=''
cat "$work/fleet"
[ $ok -eq 0 ] || { cat "$work/progress" >&2; echo "not all was acknowledged" >&2; exit 1; }
"$bin/kiosk-fleet" check --collector "$work/c" --ledger "$work/ledger"
jq -e --argjson n "$kiosks" '.connected_most == $n and .back_after_loss.count >= $n' "$work/fleet" > /dev/null ||
  { echo "the collector went down twice, and not every kiosk lost it and came back" >&2; exit 1; }

# The check can see: a block taken away, one altered, and a fault nobody had must each be found.
spoilt() {
  rm -rf "$work/spoilt"
  mkdir "$work/spoilt"
  cp "$work/c/collector.db"* "$work/spoilt/"
  python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/collector.db")
db.execute(sys.argv[2])
db.commit()' "$work/spoilt" "$2"
  if "$bin/kiosk-fleet" check --collector "$work/spoilt" --ledger "$work/ledger" > "$work/found"; then
    echo "check did not find $1" >&2
    exit 1
  fi
  jq -e "$3" "$work/found" > /dev/null || { echo "check called $1 something else: $(cat "$work/found")" >&2; exit 1; }
}
spoilt "a lost block" \
  "DELETE FROM event_block WHERE rowid = (SELECT b.rowid FROM event_block b JOIN epoch e USING (terminal, epoch) WHERE b.last_seq = e.seq LIMIT 1)" \
  ".lost > 0"
spoilt "altered content" \
  "UPDATE event_block SET body = (SELECT body FROM event_block ORDER BY rowid DESC LIMIT 1) WHERE rowid = (SELECT min(rowid) FROM event_block)" \
  ".altered > 0"
spoilt "a silence that was none" \
  "UPDATE fault SET code = 'terminal-silent' WHERE id = (SELECT min(id) FROM fault)" ".silent_faults > 0"
