# Sourced by packaging/bench.sh: a kiosk comes back after an outage of 30 days (goal P2). Its outbox is written by the
# outbox itself on a simulated clock (tests/bench/outage.cpp), then the real agent starts on it and brings it home over
# mutual TLS, beside one that has nothing to bring. The board must be right at once: its receipt printer is out of
# paper now. What happened meanwhile is history: a paper-out of five hours ago, healed since, must not become an order.
build release bench_outage kiosk-agent kiosk-collector kiosk-devices kioskctl
source tests/bench/bed.sh
days=30
rates=(1 10)
[[ " $* " != *" --quick "* ]] || { days=10 rates=(1); }

people() { sed -n 's|.*http://\([^/ ]*\).*|\1|p' "$folder/collector.out" | head -n 1; }
ms() { date +%s%3N; }
database() { python3 - "$folder/collector/collector.db" "$1" << 'PY'
import sqlite3, sys
db = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True, timeout=30)
print(db.execute(sys.argv[2]).fetchone()[0] or 0)
PY
}

start_agent() { # NAME: on $folder/NAME
  mkdir -p "$folder/$1"
  "$bin/kiosk-agent" run --data "$folder/$1" --config "$folder/agent.toml" 2> "$folder/$1.log" &
  agent_pid=$!
  pids+=("$agent_pid")
}
stop_agent() {
  kill -TERM "$agent_pid"
  wait "$agent_pid" || true
}
# It exits with 1 while a device is at fault.
ask() { "$bin/kioskctl" --data "$folder/$1" "$2" --json 2> /dev/null || true; }
unacknowledged() { ask agent outbox | jq '.outbox.unacknowledged'; }
connected() { ask "$1" status | jq -e .uplink.connected > /dev/null; }
# Whether the board shows the paper-out of now.
shown() {
  curl -fs "http://$(people)/api/v1/devices?terminal=BENCH-O" |
    jq -e '[.items[] | select(.device == "receipt" and .health == "fault")] | length == 1' > /dev/null
}

cat > "$folder/devices.toml" << 'TOML'
[[device]]
name = "receipt"
protocol = "escpos"
port = "tcp://127.0.0.1:0"
model = "epson"
[[device.step]]
after_ms = 0
condition = "media-empty"
on = true
TOML
"$bin/kiosk-devices" run "$folder/devices.toml" > "$folder/devices.out" 2> "$folder/devices.log" &
pids+=($!)
await 10 "kiosk-devices to start" grep -qs port "$folder/devices.out"
printf '[[device]]\nname = "receipt"\ndriver = "escpos"\nport = "%s"\npoll_ms = 1000\n' \
  "$(jq -r 'select(.port).port' "$folder/devices.out" | head -n 1)" > "$folder/agent.toml"

lines=()
for rate in "${rates[@]}"; do
  rm -rf "$folder"/{collector,agent,fresh}
  start_collector BENCH-O
  collector_pid=${pids[-1]}
  # The reference: the same agent with nothing to bring.
  cp -r "$folder/agent" "$folder/fresh"
  "$bin/bench_outage" "$folder/agent" "$days" "$rate" > "$folder/made"
  written=$(jq .written "$folder/made")
  before=$(ms)
  start_agent agent
  await 20 "a connected agent" connected agent
  at=$(ms)
  await 20 "the board to be right" shown
  right=$(ms)
  waiting=$(unacknowledged)
  most=0
  while :; do
    left=$(unacknowledged)
    now=$(memory_kb "$agent_pid" Pss)
    [ "$now" -le "$most" ] || most=$now
    [ "${left:-1}" != 0 ] || break
    [ $(($(ms) - at)) -lt 600000 ] || fail "not drained within ten minutes: $left events left"
  done
  drained=$(ms)
  stop_agent
  # A second agent of the same kiosk with an outbox of its own: what an agent without an outage needs.
  start_agent fresh
  await 20 "the reference to connect" connected fresh
  plain=$(memory_kb "$agent_pid" Pss)
  stop_agent
  stored=$(database "SELECT sum(last_seq - first_seq + 1) FROM event_block")
  orders=$(database "SELECT count(*) FROM work_order o JOIN fault f ON f.id = o.fault_id WHERE f.learned_late")
  late=$(database "SELECT count(*) FROM fault WHERE learned_late")
  [ "$stored" -ge "$written" ] || fail "$written events were written and $stored are stored"
  [ "$orders" = 0 ] || fail "$orders orders for what had healed before anybody heard of it"
  [ "$late" -ge 1 ] || fail "the paper-out of five hours ago is not in the history"
  kill -TERM "$collector_pid"
  wait "$collector_pid" || true
  lines+=("$(jq -c --argjson start $((at - before)) --argjson right $((right - at)) --argjson waiting "${waiting:-0}" \
    --argjson took $((drained - at)) --argjson most "$most" --argjson plain "$plain" --argjson late "$late" \
    '. + {connected_ms: $start, board_right_ms: $right, waiting_then: $waiting, drain_ms: $took,
      events_per_s: (.written * 1000 / ([$took, 1] | max) | floor), pss_most_kib: $most, pss_reference_kib: $plain,
      learned_late: $late, orders_of_these: 0}' "$folder/made")")
  echo "${lines[-1]}"
done
printf '%s\n' "${lines[@]}" | jq -sc '{bench: "outage", goal: "P2", runs: ., met: (all(.bytes <= 268435456
  and .open_ms <= 2000 and .events_per_s >= 20000 and .pss_most_kib - .pss_reference_kib <= 2048))}'
