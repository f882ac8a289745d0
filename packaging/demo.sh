#!/usr/bin/env bash
# The main job on one machine: collector, agent, simulated peripherals behind real transports.
#   demo.sh          runs until Ctrl-C and says what to try
#   demo.sh --once   does it without a person and prints one line of JSON last
source "$(dirname "$0")/setup.sh"
once=false
case ${1-} in
  '') ;;
  --once) once=true ;;
  *) echo "usage: packaging/demo.sh [--once]" >&2; exit 2 ;;
esac
install "${kw_packages[@]}"
build release kiosk-agent kiosk-collector kioskctl kiosk-devices
bin=$kw_root/build/release/bin
export LC_ALL=C.UTF-8

if $once; then
  folder=$(mktemp -d)
else
  folder=$kw_root/.demo
  rm -rf "$folder"
  mkdir -p "$folder"
fi
pids=()
stop() {
  trap - EXIT INT TERM
  # The agent first, so that the collector still hears its announced shutdown.
  for pid in "${pids[@]}"; do
    kill -TERM "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  ! $once || rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT TERM

fail() {
  echo "demo: $*" >&2
  for log in collector agent devices; do
    [ -s "$folder/$log.log" ] && sed "s/^/$log: /" "$folder/$log.log" | tail -n 20 >&2
  done
  exit 1
}

# await SECONDS WHAT COMMAND...: until the command succeeds.
await() {
  local until=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ $SECONDS -lt $until ] || fail "not within the time: $what"
    sleep 0.05
  done
}

# ---- peripherals -----------------------------------------------------------------------------------
# name, driver, protocol as simulated, port
peripherals=(
  "receipt escpos escpos tcp://127.0.0.1:0"
  "laser ipp ipp ipp://127.0.0.1:0/ipp/print"
  "id-reader sdt sdt pty:$folder/id-reader"
  "card-issuer f2 f2 pty:$folder/card-issuer"
  "cabinet modbus modbus modbus+tcp://127.0.0.1:0"
  "ups nut nut nut://127.0.0.1:0"
)
for peripheral in "${peripherals[@]}"; do
  read -r name driver protocol port <<< "$peripheral"
  printf '[[device]]\nname = "%s"\nprotocol = "%s"\nport = "%s"\n\n' "$name" "$protocol" "$port"
done > "$folder/devices.toml"
"$bin/kiosk-devices" run "$folder/devices.toml" --control "$folder/devices.sock" \
  > "$folder/devices.out" 2> "$folder/devices.log" &
devices_pid=$!
pids=("$devices_pid")
port_of() { jq -r "select(.device == \"$1\" and .port) | .port" "$folder/devices.out" 2>/dev/null | grep .; }
on_their_ports() {
  for peripheral in "${peripherals[@]}"; do port_of "${peripheral%% *}" > "$folder/port" || return 1; done
}
await 10 "kiosk-devices to start" on_their_ports
set_device() { "$bin/kiosk-devices" set --control "$folder/devices.sock" "$@"; }

# ---- collector -------------------------------------------------------------------------------------
agents=127.0.0.1:7443 people=127.0.0.1:7080
if $once; then agents=127.0.0.1:0 people=127.0.0.1:0; fi
"$bin/kiosk-collector" init --data "$folder/collector" > /dev/null || fail "kiosk-collector init"
cat > "$folder/collector/rules.toml" <<TOML
# The demo's faults are judged at once.
[defaults]
hold_s = 0.0
clear_s = 0.0
TOML
"$bin/kiosk-collector" run --data "$folder/collector" --agents "$agents" --people "$people" \
  > "$folder/collector.out" 2> "$folder/collector.log" &
collector_pid=$!
pids=("$collector_pid" "$devices_pid")
ready() {
  kill -0 "$collector_pid" 2>/dev/null || fail "the collector did not start"
  grep -qs 'is ready' "$folder/collector.out"
}
await 20 "the collector to start" ready
agents=$(sed -n 's/.*kiosks \([^,]*\),.*/\1/p' "$folder/collector.out")
api=$(sed -n 's|.*API \(http://[^/]*\)/.*|\1|p' "$folder/collector.out")

# ---- agent -----------------------------------------------------------------------------------------
token=$("$bin/kiosk-collector" token new --data "$folder/collector" --terminal GD-DEMO-0001) \
  || fail "kiosk-collector token new"
"$bin/kiosk-agent" enroll --data "$folder/agent" --server "https://$agents" --token "$token" \
  > "$folder/enroll.out" 2>&1 || { cat "$folder/enroll.out" >&2; fail "kiosk-agent enroll"; }
cat > "$folder/agent.toml" <<TOML
[agent]
language = "en"

[[device]]
name = "host"
driver = "host"
port = "-"
poll_ms = 1000
TOML
for peripheral in "${peripherals[@]}"; do
  read -r name driver protocol port <<< "$peripheral"
  printf '\n[[device]]\nname = "%s"\ndriver = "%s"\nport = "%s"\npoll_ms = 200\n' \
    "$name" "$driver" "$(port_of "$name")"
done >> "$folder/agent.toml"
"$bin/kiosk-agent" run --data "$folder/agent" --config "$folder/agent.toml" \
  > "$folder/agent.out" 2> "$folder/agent.log" &
agent_pid=$!
pids=("$agent_pid" "$collector_pid" "$devices_pid")

get() { curl -sf "$api/api/v1/$1"; }
device() { get devices | jq -er ".items[] | select(.device == \"$1\") | $2"; }
all_ok() {
  for peripheral in "${peripherals[@]}"; do device "${peripheral%% *}" '.health == "ok"' || return 1; done
} > /dev/null 2>&1
await 20 "the peripherals to be seen by the collector" all_ok

if ! $once; then
  cat <<TEXT

Kioskwatch runs. Terminal GD-DEMO-0001 has a receipt printer and a laser printer (TCP), an ID reader and
a card issuing machine (serial), a cabinet with its I/O board (Modbus), a UPS (NUT) and this machine's own figures.

  live page         $api/   (the API: $api/api/v1/openapi.yaml)
  paper runs out    $bin/kiosk-devices set --control $folder/devices.sock receipt media-empty on
  cover opens       $bin/kiosk-devices set --control $folder/devices.sock receipt cover-open on
  the laser jams    $bin/kiosk-devices set --control $folder/devices.sock laser media-jam on
  a card jams       $bin/kiosk-devices set --control $folder/devices.sock card-issuer jam on
  smoke             $bin/kiosk-devices set --control $folder/devices.sock cabinet smoke on
  the power fails   $bin/kiosk-devices set --control $folder/devices.sock ups mains-lost on
  on the kiosk      $bin/kioskctl --data $folder/agent status
                    $bin/kioskctl --data $folder/agent devices
  accept an order   curl -X POST $api/api/v1/orders/NUMBER/accept

Data and logs are in $folder. Ctrl-C stops everything.

TEXT
  tail -n +1 -F "$folder/collector.log" "$folder/agent.log" 2>/dev/null &
  pids=("$!" "${pids[@]}")
  wait "$agent_pid"
  fail "the agent ended"
fi

# ---- the main job, without a person ----------------------------------------------------------------
# provoke DEVICE CONDITION WHAT: breaks it, and waits for the work order.
order_of() {
  get orders \
    | jq -e ".items[] | select(.device == \"$1\" and .code == \"$2\" and .committed_at_us != null)" > "$folder/order-$2.json"
}
provoke() {
  set_device "$1" "$2" on > "$folder/change-$2.json"
  await 10 "a work order for $3" order_of "$1" "$2"
}
provoke receipt media-empty "the missing paper"
provoke receipt cover-open "the open cover"
provoke laser media-jam "the paper jam"

set_device receipt media-empty off > /dev/null
set_device receipt cover-open off > /dev/null
set_device laser media-jam off > /dev/null
recovered() {
  all_ok && [ "$(get 'faults?state=open' | jq '.items | length')" = 0 ] \
    && [ "$(get orders | jq '[.items[] | select(.state == "self_recovered")] | length')" = 3 ]
}
await 10 "recovery" recovered

memory_kb=$(awk '/^MemTotal:/ {print $2}' /proc/meminfo)
host_metrics() { [ "$(device host '.measurements.memory_total_bytes' 2>/dev/null)" = "$((memory_kb * 1024))" ]; }
await 40 "this machine's memory in the API" host_metrics

# Acknowledged by the outbox, and stored by the collector: two counts of their own.
counts() {
  "$bin/kioskctl" --data "$folder/agent" outbox --json > "$folder/outbox.json" 2> /dev/null || [ $? -eq 1 ] || return 1
  [ "$(jq .outbox.unacknowledged "$folder/outbox.json")" = 0 ] || return 1
  acknowledged=$(jq '[.outbox.epochs[].acknowledged] | add' "$folder/outbox.json")
  "$bin/kiosk-collector" events --data "$folder/collector" --terminal GD-DEMO-0001 > "$folder/events.jsonl" || return 1
  stored=$(wc -l < "$folder/events.jsonl")
  duplicates=$(jq -r '.epoch + " " + (.seq | tostring)' "$folder/events.jsonl" | sort | uniq -d | wc -l)
  [ "$acknowledged" = "$stored" ]
}
await 20 "every event acknowledged and stored" counts
[ "$duplicates" = 0 ] || fail "$duplicates events are stored twice"

cat > "$folder/result.jq" <<'JQ'
def took($change; $order): ($order.committed_at_us - $change.at_us) / 1000;
{ fault_to_order_ms: ([took($change1; $order1), took($change2; $order2), took($change3; $order3)] | max),
  orders: [$orders.items[] | {code, device, state}] | sort_by(.code),
  recovered: true, events_acknowledged: $acknowledged, events_stored: $stored,
  duplicates: $duplicates, host_metrics: true }
JQ
read_json() { jq -c . "$1"; }
jq -cn -f "$folder/result.jq" \
  --argjson change1 "$(read_json "$folder/change-media-empty.json")" \
  --argjson order1 "$(read_json "$folder/order-media-empty.json")" \
  --argjson change2 "$(read_json "$folder/change-cover-open.json")" \
  --argjson order2 "$(read_json "$folder/order-cover-open.json")" \
  --argjson change3 "$(read_json "$folder/change-media-jam.json")" \
  --argjson order3 "$(read_json "$folder/order-media-jam.json")" \
  --argjson orders "$(get orders)" --argjson acknowledged "$acknowledged" \
  --argjson stored "$stored" --argjson duplicates "$duplicates" > "$folder/result.json"
result=$(cat "$folder/result.json")
stop
echo "$result"
