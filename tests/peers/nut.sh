#!/usr/bin/env bash
# A UPS nobody here wrote: NUT's upsd with its driver dummy-ups, asked by `kioskctl probe` while upsrw changes what the
# UPS says and the driver is stopped. nut.sh KIOSKCTL; needs nut-server, nut-client and jq (packaging/test.sh installs
# them). Own folder, a free port.
set -euo pipefail
kioskctl=$1
# /usr/sbin/upsd is Debian's wrapper, which refuses while /etc/nut/nut.conf says MODE=none.
upsd=/lib/nut/upsd
for program in $upsd /lib/nut/dummy-ups upsrw upsc jq; do
  command -v "$program" > /dev/null || { echo "$program is missing: packaging/test.sh installs it" >&2; exit 1; }
done

folder=$(mktemp -d)
export HOME=$folder LC_ALL=C.UTF-8
export NUT_CONFPATH=$folder NUT_STATEPATH=$folder/run NUT_PIDPATH=$folder/run NUT_ALTPIDPATH=$folder/run
upsd_pid='' driver_pid=''
end() {
  trap - EXIT
  for pid in $upsd_pid $driver_pid; do
    kill -CONT "$pid" 2> /dev/null || true
    kill "$pid" 2> /dev/null || true
    wait "$pid" 2> /dev/null || true
  done
  rm -rf "$folder"
}
trap end EXIT
trap 'exit 130' INT TERM

fail() {
  echo "FAILED: $*" >&2
  echo "the last answer: $(cat "$folder/answer" 2> /dev/null)" >&2
  tail -n 20 "$folder"/*.log >&2 || true
  exit 1
}

# await WHAT COMMAND...: other processes can only be asked again and again.
await() {
  local until=$((SECONDS + 25)) what=$1
  shift
  until "$@"; do
    [ $SECONDS -lt $until ] || fail "not within 25 s: $what"
    sleep 0.05
  done
}

# ---- the UPS -----------------------------------------------------------------------------------------
mkdir "$folder/run"
cat > "$folder/kiosk.dev" << 'DEV'
ups.mfr: Example
ups.model: Kiosk \"UPS\" \\ 1000
device.serial: U1000A0042
ups.status: OL
ups.load: 23
battery.charge: 97
battery.charge.low: 20
battery.runtime: 1860
battery.voltage: 27.1
input.voltage: 221.4
output.voltage: 220.8
ups.temperature: 31.5
DEV
cat > "$folder/ups.conf" << CONF
[kioskups]
  driver = dummy-ups
  port = $folder/kiosk.dev
  mode = dummy-once
  pollinterval = 1
  desc = "kiosk UPS (\\"dummy\\")"
CONF
printf '[kwadmin]\n  password = kwadmin\n  actions = SET\n  instcmds = ALL\n' > "$folder/upsd.users"
user=$(id -un)

start_driver() {
  /lib/nut/dummy-ups -a kioskups -u "$user" -F > "$folder/driver.log" 2>&1 &
  driver_pid=$!
}
start_driver
await "the driver's socket" test -S "$folder/run/dummy-ups-kioskups"
for try in 1 2 3 4 5 6 7 8 9 10; do
  number=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
  # Whoever listens there already is another test's server.
  ! (exec 4<> "/dev/tcp/127.0.0.1/$number") 2> /dev/null || continue
  printf 'LISTEN 127.0.0.1 %s\nMAXAGE 2\n' "$number" > "$folder/upsd.conf"
  chmod -R go= "$folder"
  $upsd -u "$user" -F > "$folder/upsd.log" 2>&1 &
  upsd_pid=$!
  until upsc "kioskups@127.0.0.1:$number" ups.status > "$folder/upsc.log" 2>&1; do
    kill -0 "$upsd_pid" 2> /dev/null || break
    sleep 0.05
  done
  ! kill -0 "$upsd_pid" 2> /dev/null || break
  upsd_pid=''
done
[ -n "$upsd_pid" ] || fail "upsd found no port"

# ---- what kioskctl sees ------------------------------------------------------------------------------
ask() {
  code=0
  "$kioskctl" probe nut "nut://127.0.0.1:$number" --json "$@" > "$folder/answer" 2> "$folder/probe.log" || code=$?
}
def='def codes: [.conditions[].code] | sort; def is($c): .components[] | select(.name == $c) | .state;
  def battery: .consumables[] | select(.type == "battery");'
sees() { jq -e "$def $2" "$folder/answer" > /dev/null || fail "$1"; }
shows() { ask && true; jq -e "$def $1" "$folder/answer" > /dev/null; }
# told WHAT FILTER: what was set takes a moment from the driver to the server.
told() { await "$1" shows "$2"; }
# set VARIABLE VALUE: as an administrator would.
set_to() {
  upsrw -s "$1=$2" -u kwadmin -p kwadmin "kioskups@127.0.0.1:$number" > "$folder/upsrw.log" 2>&1 || fail "upsrw $1=$2"
}

told "a UPS on the mains" '.health == "ok" and .conditions == [] and .error == null'
[ "$code" = 0 ] || fail "a healthy UPS ends with $code"
sees "who it is" '.identity.vendor == "Example" and .identity.serial == "U1000A0042"'
# The driver adds backslashes of its own, so what counts is what NUT's own client reads.
model=$(upsc "kioskups@127.0.0.1:$number" device.model 2> "$folder/upsc.log")
jq -e --arg model "$model" '.identity.model == $model and ($model | contains("\""))' "$folder/answer" > /dev/null \
  || fail "the model is \"$model\" to upsc"
sees "mains and battery" 'is("mains") == "on" and is("battery") == "ok" and .evidence == "protocolReply"'
sees "the charge, measured" 'battery | .percent == 97 and .source == "measured" and .state == "full" and .warning_level == 20'
sees "the figures" '.measurements | .battery_runtime_seconds == 1860 and .input_volts == 221.4 and .load_percent == 23 and .temperature_celsius == 31.5'

set_to ups.status "OB DISCHRG"
set_to battery.charge 64
told "the power fails" 'codes == ["mains-lost"] and is("mains") == "off" and (battery | .percent == 64 and .state == "full")'
[ "$code" = 1 ] || fail "lost mains are a fault"
set_to battery.charge 12
set_to battery.runtime 95
set_to ups.status "OB DISCHRG LB"
told "the battery is nearly empty" \
  'codes == ["battery-low", "mains-lost"] and (battery | .percent == 12 and .state == "low") and .measurements.battery_runtime_seconds == 95'
set_to ups.status "FSD OB DISCHRG LB"
told "it is about to cut the power" 'codes == ["battery-low", "mains-lost", "ups-shutdown"]'
set_to ups.status "OL CHRG RB"
told "a worn battery" 'codes == ["battery-replace"] and is("battery") == "fading" and is("mains") == "on"'
set_to ups.status "OL OVER BYPASS"
told "too much load, and bypassed" 'codes == ["ups-bypass", "ups-overload"]'
set_to ups.status "OL"
set_to battery.charge 97
told "all well again" '.health == "ok" and codes == []'

ask --set ups=office
[ "$code" = 1 ] || fail "no such UPS ends with $code"
sees "a UPS that the server has not" 'codes == ["bad-configuration"] and .evidence == "protocolReply" and .error == null
  and (.conditions[0] | .action == "configuration" and (.detail | contains("kioskups")))'

# A driver that hangs: upsd says DATA-STALE after MAXAGE, and some more until it has looked.
kill -STOP "$driver_pid"
told "a UPS that has gone silent" 'codes == ["ups-unreachable"] and .conditions[0].vendor_code == "DATA-STALE" and .device_state == "offline"'
[ "$code" = 1 ] || fail "a silent UPS is a fault"
kill -CONT "$driver_pid"
told "it speaks again" '.health == "ok" and codes == []'
kill "$driver_pid"
wait "$driver_pid" 2> /dev/null || true
driver_pid=''
told "a driver that has ended" 'codes == ["ups-unreachable"] and .conditions[0].vendor_code == "DRIVER-NOT-CONNECTED"'

kill "$upsd_pid"
wait "$upsd_pid" 2> /dev/null || true
upsd_pid=''
ask
[ "$code" = 1 ] || fail "a server that is gone ends with $code"
sees "a server that is gone" '.evidence == "none" and .error != null'
echo "NUT: every state was told as it was set"
