#!/usr/bin/env bash
# A Modbus board nobody here wrote: pymodbus, asked by `kioskctl probe` over TCP and over a serial line (a pair of
# pseudo-terminals joined by socat) before and after each change. pymodbus.sh KIOSKCTL; needs python3-pymodbus,
# python3-serial, python3-serial-asyncio, socat and jq (packaging/test.sh installs them). Own folder, a free port.
set -euo pipefail
kioskctl=$1
here=$(cd "$(dirname "$0")" && pwd)
for program in socat jq /usr/bin/python3; do
  command -v "$program" > /dev/null || { echo "$program is missing: packaging/test.sh installs it" >&2; exit 1; }
done
# Debian's own Python: the packages are its.
/usr/bin/python3 -c 'import pymodbus, serial, serial_asyncio' \
  || { echo "python3-pymodbus, python3-serial or python3-serial-asyncio is missing: packaging/test.sh installs them" >&2; exit 1; }

folder=$(mktemp -d)
export HOME=$folder LC_ALL=C.UTF-8
board_pid='' wire_pid=''
end() {
  trap - EXIT
  for pid in $board_pid $wire_pid; do
    kill "$pid" 2> /dev/null || true
    wait "$pid" 2> /dev/null || true
  done
  rm -rf "$folder"
}
trap end EXIT
trap 'exit 130' INT TERM

fail() {
  echo "FAILED (${framing:-start}): $*" >&2
  echo "the last answer: $(cat "$folder/answer" 2> /dev/null)" >&2
  tail -n 20 "$folder"/*.log >&2 || true
  exit 1
}

# await WHAT COMMAND...: other processes can only be asked again and again.
await() {
  local until=$((SECONDS + 20)) what=$1
  shift
  until "$@"; do
    [ $SECONDS -lt $until ] || fail "not within 20 s: $what"
    sleep 0.05
  done
}

# ---- the board ---------------------------------------------------------------------------------------
mkfifo "$folder/orders"
# Held open for reading and writing, so that neither side waits for the other.
exec 3<> "$folder/orders"
start_board() {
  : > "$folder/board.out"
  /usr/bin/python3 "$here/pymodbus_board.py" "$@" < "$folder/orders" > "$folder/board.out" 2> "$folder/board.log" &
  board_pid=$!
}
stop_board() {
  kill "$board_pid"
  wait "$board_pid" 2> /dev/null || true
  board_pid=''
}
changes=0
changed() { [ "$(grep -c '^set$' "$folder/board.out")" = "$changes" ]; }
# change TABLE ADDRESS VALUE: and until the board has said that it is so.
change() {
  echo "$*" >&3
  changes=$((changes + 1))
  await "the board to take \"$*\"" changed
}

# ---- what kioskctl sees ------------------------------------------------------------------------------
ask() {
  code=0
  "$kioskctl" probe modbus "$port" --json "$@" > "$folder/answer" 2> "$folder/probe.log" || code=$?
}
# probe CODE [OPTION...]: asks once, and expects that exit code.
probe() {
  local expected=$1
  shift
  ask "$@"
  [ "$code" = "$expected" ] || fail "kioskctl probe ended with $code, not $expected"
}
# sees WHAT FILTER: the last answer fits.
def='def codes: [.conditions[].code] | sort; def is($c): .components[] | select(.name == $c) | .state;
  def figure($m): .measurements[$m];'
sees() { jq -e "$def $2" "$folder/answer" > /dev/null || fail "$1"; }
answers() { ask && [ "$code" = 0 ]; }

through_every_state() {
  probe 0
  sees "a healthy cabinet" '.health == "ok" and .conditions == [] and .error == null and .evidence == "protocolReply"'
  sees "door, lock, lamp and mains" 'is("door") == "closed" and is("lock") == "locked" and is("lamp") == "on" and is("mains") == "on"'
  sees "the figures" 'figure("temperature_celsius") == 25.3 and figure("humidity_percent") == 41.5 and figure("fan_rpm") == 2380'

  change di 0 1
  probe 1
  sees "an open door" 'codes == ["cabinet-door-open"] and is("door") == "open" and .conditions[0].vendor_code == "DI0"'
  change di 0 0
  change di 1 0
  probe 0
  sees "a lock that is open, a warning" 'codes == ["cabinet-unlocked"] and is("lock") == "open" and .health == "warning"'
  change di 1 1
  change di 2 1
  change di 3 1
  probe 1
  sees "smoke and tilt" 'codes == ["cabinet-tilted", "smoke"]'
  change di 2 0
  change di 3 0
  change di 5 0
  probe 1
  sees "no mains" 'codes == ["mains-lost"] and is("mains") == "off"'
  change di 5 1
  change co 0 0
  probe 0
  sees "a dark lamp, which is no fault" 'codes == [] and is("lamp") == "off"'
  change co 0 1

  change ir 0 65486
  probe 0
  sees "frost" 'figure("temperature_celsius") == -5 and codes == ["under-temperature"]'
  change ir 0 615
  probe 1
  sees "heat" 'figure("temperature_celsius") == 61.5 and codes == ["over-temperature"]'
  change ir 0 253
  change ir 2 0
  probe 1
  sees "a fan that stands still" 'codes == ["fan-stopped"] and figure("fan_rpm") == 0'
  change co 1 0
  probe 0
  sees "a fan that is switched off" 'codes == []'
  change co 1 1
  change ir 2 2380

  probe 1 --set map=xy-md02 --set unit=9 --set timeout_ms=200
  sees "no board of that unit" '.evidence == "none" and .error != null'
  probe 2 --set "map=$folder/nowhere.toml"
  cat > "$folder/map.toml" << 'TOML'
[[condition]]
code = "smoke"
table = "discrete-input"
address = 4000
[[component]]
name = "lamp"
table = "coil"
address = 0
on = "on"
off = "off"
TOML
  probe 1 --set "map=$folder/map.toml"
  sees "an input that the board has not" \
    'codes == ["bad-configuration"] and .conditions[0].vendor_code == "FC02=EX02" and is("lamp") == "on"'
  probe 0
  sees "all well again" '.health == "ok" and codes == []'
}

framing=tcp
port=''
for try in 1 2 3 4 5 6 7 8 9 10; do
  number=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
  port=modbus+tcp://127.0.0.1:$number
  # Whoever listens there already is another test's board.
  ! (exec 4<> "/dev/tcp/127.0.0.1/$number") 2> /dev/null || continue
  start_board tcp "$number"
  until answers; do kill -0 "$board_pid" 2> /dev/null || break; sleep 0.05; done
  ! kill -0 "$board_pid" 2> /dev/null || break
done
await "the board over TCP" answers
through_every_state
stop_board
probe 1
sees "a board that is gone" '.evidence == "none" and .error != null'

framing=rtu
changes=0
socat "pty,rawer,link=$folder/board" "pty,rawer,link=$folder/line" 2> "$folder/wire.log" &
wire_pid=$!
await "the line" test -e "$folder/line"
port="modbus+rtu:$folder/line?baud=9600"
start_board rtu "$folder/board"
await "the board on its line" answers
through_every_state
stop_board
probe 1 --set timeout_ms=200
sees "a board that is gone" '.evidence == "none" and .error != null'
echo "pymodbus: every state was told as it was set, over TCP and on a line"
