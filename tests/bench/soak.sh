# Sourced by packaging/bench.sh: memory and open files of agent and collector over a soak at ten times the planned
# rate. The agent polls a full kiosk's devices every 500 ms instead of every 5 s, printers' covers open and close all
# the time; the collector serves it and a fleet of 200 kiosks, each of which changes a device's state every second
# (planned: some ten times an hour). Slopes are those of a line through the samples after the first third.
# SOAK_MINUTES: how long (20; --quick: 2).
build release kiosk-agent kiosk-collector kiosk-devices kioskctl kiosk-fleet
source tests/bench/bed.sh
minutes=${SOAK_MINUTES:-20}
[[ " $* " != *" --quick "* ]] || minutes=2
seconds=$((minutes * 60))

{
  for i in $(seq 14); do
    printf '[[device]]\nname = "printer-%d"\nprotocol = "escpos"\nport = "tcp://127.0.0.1:0"\nmodel = "epson"\n' "$i"
    printf '[[device.step]]\nafter_ms = %d\ncondition = "cover-open"\nfor_ms = 2000\nevery_ms = 5000\ntimes = %d\n' \
      $((i * 300)) $((seconds / 5 + 60))
  done
} > "$folder/devices.toml"
"$bin/kiosk-devices" run "$folder/devices.toml" > "$folder/devices.out" 2> "$folder/devices.log" &
pids+=($!)
all_played() { [ "$(grep -c '"port"' "$folder/devices.out")" = 14 ]; }
await 10 "kiosk-devices to start" all_played
{
  printf '[agent]\nflap_changes = 0\n[[device]]\nname = "host"\ndriver = "host"\nport = "-"\npoll_ms = 500\n'
  jq -r 'select(.port) | "[[device]]\nname = \"\(.device)\"\ndriver = \"escpos\"\nport = \"\(.port)\"\npoll_ms = 500"' \
    "$folder/devices.out"
} > "$folder/agent.toml"

"$bin/kiosk-collector" init --data "$folder/collector" > /dev/null
"$bin/kiosk-fleet" enlist --collector "$folder/collector" --kiosks 200 --roster "$folder/roster" > /dev/null
"$bin/kiosk-collector" run --data "$folder/collector" --agents 127.0.0.1:0 --people 127.0.0.1:0 \
  > "$folder/collector.out" 2> "$folder/collector.log" &
collector_pid=$!
pids+=("$collector_pid")
await 20 "the collector to start" grep -qs 'is ready' "$folder/collector.out"
agents=$(sed -n 's/.*kiosks \([^,]*\),.*/\1/p' "$folder/collector.out")
"$bin/kiosk-agent" enroll --data "$folder/agent" --server "https://$agents" --token \
  "$("$bin/kiosk-collector" token new --data "$folder/collector" --terminal BENCH-S)" > /dev/null
"$bin/kiosk-agent" run --data "$folder/agent" --config "$folder/agent.toml" 2> "$folder/agent.log" &
agent_pid=$!
pids+=("$agent_pid")
"$bin/kiosk-fleet" run storm --collectors "$agents" --roster "$folder/roster" --seconds "$seconds" --drain 60 \
  --ledger "$folder/ledger" > "$folder/fleet" 2> "$folder/fleet.log" &
fleet_pid=$!

files_of() { ls "/proc/$1/fd" | wc -l; }
for ((at = 0; at < seconds; at += 5)); do
  sleep 5
  kill -0 "$agent_pid" && kill -0 "$collector_pid" || fail "a program ended"
  echo "$at $(memory_kb "$agent_pid" Pss) $(memory_kb "$collector_pid" Pss) $(files_of "$agent_pid") $(files_of "$collector_pid")"
done > "$folder/samples"
wait "$fleet_pid" || fail "the fleet's events were not all acknowledged"
"$bin/kiosk-fleet" check --collector "$folder/collector" --ledger "$folder/ledger" > "$folder/check" ||
  true # the agent's own faults are none of the ledger's: `unfounded_faults` says nothing here
jq -e '.lost + .duplicated + .out_of_order + .altered == 0' "$folder/check" > /dev/null || fail "$(cat "$folder/check")"
# KiB an hour, first and last figure of the last two thirds.
line() { # COLUMN
  awk -v c="$1" -v from=$((seconds / 3)) '$1 >= from {n++; x = $1 / 3600; y = $c; if (n == 1) first = y; last = y
    sx += x; sy += y; sxx += x * x; sxy += x * y}
    END {printf "{\"kib_an_hour\":%.0f,\"first_kib\":%d,\"last_kib\":%d}", (n * sxy - sx * sy) / (n * sxx - sx * sx), first, last}' \
    "$folder/samples"
}
jq -nc --argjson minutes "$minutes" --argjson agent "$(line 2)" --argjson collector "$(line 3)" \
  --argjson fleet "$(cat "$folder/fleet")" \
  --argjson files "$(awk -v from=$((seconds / 3)) '$1 >= from {if (!n++) {a = $4; b = $5}; c = $4; d = $5} END {printf "[%d,%d,%d,%d]", a, c, b, d}' "$folder/samples")" \
  '{bench: "soak", minutes: $minutes, events: $fleet.acknowledged, agent: $agent, collector: $collector,
    agent_files: $files[0:2], collector_files: $files[2:4]}'
