#!/usr/bin/env bash
# A printer nobody here wrote: CUPS's ippeveprinter, asked by `kioskctl probe` before and after each thing that is
# wrong with it. ippeveprinter.sh KIOSKCTL; needs cups-ipp-utils, dbus-daemon, curl and jq (packaging/test.sh installs
# them). Runs beside others of its kind: own folder, own bus, a port that is free.
set -euo pipefail
kioskctl=$1
for program in ippeveprinter ipptool dbus-daemon curl jq; do
  command -v "$program" > /dev/null || { echo "$program is missing: packaging/test.sh installs it" >&2; exit 1; }
done

folder=$(mktemp -d)
export HOME=$folder LC_ALL=C.UTF-8
bus_pid='' printer_pid=''
end() {
  trap - EXIT
  for pid in $printer_pid $bus_pid; do
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
  local until=$((SECONDS + 30)) what=$1
  shift
  until "$@"; do
    [ $SECONDS -lt $until ] || fail "not within 30 s: $what"
    sleep 0.05
  done
}

# ---- the printer -----------------------------------------------------------------------------------
# Debian's ippeveprinter ends at once when there is no system bus, although it announces nothing ("-r off"). It gets
# a bus of its own; nobody has to answer on it, so no avahi-daemon is needed.
dbus-daemon --session --nofork --nopidfile --address="unix:path=$folder/bus" > "$folder/bus.log" 2>&1 &
bus_pid=$!
await "the private bus" test -S "$folder/bus"
export DBUS_SYSTEM_BUS_ADDRESS="unix:path=$folder/bus"

# What a document's printing reports is the text of $folder/says: "STATE:" and "ATTR:" lines on standard error.
cat > "$folder/print" <<'SH'
#!/bin/sh
cat "$1" > /dev/null
cat "$KW_SAYS" >&2
SH
chmod +x "$folder/print"
export KW_SAYS=$folder/says
mkdir "$folder/spool"
: > "$KW_SAYS"

listens() { curl -sf --max-time 5 -o "$folder/page" "$web/"; }
start_printer() {
  local try until
  for try in 1 2 3 4 5 6 7 8 9 10; do
    web=http://127.0.0.1:$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    # Whoever answers there already is another test's printer.
    ! listens || continue
    ippeveprinter -r off -n localhost -p "${web##*:}" -2 -M Example -m KioskLaser -f text/plain \
      -c "$folder/print" -d "$folder/spool" -v KioskLaser > "$folder/printer.log" 2>&1 &
    printer_pid=$!
    until=$((SECONDS + 10))
    while kill -0 "$printer_pid" 2> /dev/null && [ $SECONDS -lt $until ]; do
      ! listens || return 0
      sleep 0.05
    done
    kill "$printer_pid" 2> /dev/null || true
    wait "$printer_pid" 2> /dev/null || true
  done
  fail "ippeveprinter found no port"
}
start_printer
uri=ipp://${web#http://}/ipp/print

supplies() { curl -sf -o "$folder/page" "$web/supplies?supply0=$1&supply1=$2" || fail "the form of the supplies"; }
# The main tray; the by-pass tray is told to say nothing, or its emptiness would count too.
tray() {
  curl -sf -o "$folder/page" "$web/media?size1=iso_a4_210x297mm&type1=stationery&level1=$1&size3=&type3=&level3=-2" \
    || fail "the form of the media"
}
cat > "$folder/job.test" <<'TEST'
{
  OPERATION Print-Job
  GROUP operation-attributes-tag
  ATTR charset attributes-charset utf-8
  ATTR naturalLanguage attributes-natural-language en
  ATTR uri printer-uri $uri
  ATTR name requesting-user-name kiosk
  ATTR mimeMediaType document-format text/plain
  FILE $filename
  STATUS successful-ok
}
TEST
job() { ipptool -q -f "$folder/job.test" "$uri" "$folder/job.test" > "$folder/job.log" 2>&1; }
# One job at a time: until the last is done it refuses the next.
print_saying() {
  printf '%s\n' "$@" > "$KW_SAYS"
  await "the printer to take a job" job
}

# ---- what kioskctl sees ----------------------------------------------------------------------------
# Asks once; its exit code is in $code.
ask() {
  code=0
  "$kioskctl" probe ipp "$uri" --json > "$folder/answer" 2> "$folder/probe.log" || code=$?
}
# probe CODE: asks once, and expects that exit code.
probe() {
  ask
  [ "$code" = "$1" ] || fail "kioskctl probe ended with $code, not $1"
}
# sees WHAT FILTER: the last answer fits.
sees() { jq -e "$2" "$folder/answer" > /dev/null || fail "$1"; }
said() { ask && jq -e "any(.conditions[]; .code == \"$1\")" "$folder/answer" > /dev/null; }
well() { ask && [ "$code" = 0 ]; }
def='def supply($t): .consumables[] | select(.type == $t); def codes: [.conditions[].code] | sort;'

probe 0
sees "an idle printer is well" '.health == "ok" and .device_state == "online" and .conditions == [] and .error == null'
sees "who it is" '.identity.vendor == "Example" and .identity.model == "KioskLaser" and (.identity.serial | length) == 36'
sees "toner with its level" "$def supply(\"toner\") | .percent == 75 and .state == \"full\" and .source == \"measured\""
sees "the waste tank with its level" "$def supply(\"waste_toner\") | .percent == 25 and .direction == \"bin\" and .state == \"ok\""
sees "paper with its level" "$def supply(\"paper\") | .available == 100 and .capacity == 250 and .unit == \"sheets\""

supplies 25 5
probe 0
sees "toner-low, a warning" "$def .health == \"warning\" and codes == [\"toner-low\"] and .conditions[0].severity == \"warning\""
sees "which toner" '.conditions[0].detail == "Black Toner"'
sees "toner at 5 %" "$def supply(\"toner\") | .percent == 5 and .state == \"low\""
supplies 25 0
probe 1
sees "toner-empty" "$def codes == [\"toner-empty\"] and (supply(\"toner\") | .percent == 0 and .state == \"out\")"
supplies 95 75
probe 0
sees "an almost full waste tank, by flag" \
  "$def .health == \"warning\" and codes == [\"marker-waste-almost-full\"] and (supply(\"waste_toner\") | .state == \"high\")"
supplies 25 75
probe 0
sees "new toner" "$def .health == \"ok\" and codes == [] and (supply(\"toner\") | .percent == 75 and .state == \"full\")"

tray 0
probe 1
sees "media-empty, a fault" "$def .health == \"fault\" and codes == [\"media-empty\"] and .conditions[0].severity == \"fault\""
sees "which tray, and that it is empty" \
  "$def .conditions[0].detail == \"main\" and (supply(\"a4_paper\") | .available == 0 and .state == \"out\")"
tray 5
probe 0
sees "media-low" "$def codes == [\"media-low\"] and (supply(\"a4_paper\") | .available == 5 and .state == \"low\")"
tray 250
probe 0
sees "a full tray" "$def codes == [] and (supply(\"a4_paper\") | .available == 250 and .state == \"full\")"

# The printer takes line after line, and is asked meanwhile: what is awaited is said last.
print_saying \
  'ATTR: marker-names=Black,Waste marker-levels=12,-3 marker-low-levels=15,0 marker-types=toner,wasteToner marker-colors=#000000,none' \
  'STATE: +media-jam'
await "media-jam" said media-jam
[ "$code" = 1 ] || fail "a jam is a fault"
sees "a jam, a fault although the printer only reports it" \
  "$def codes == [\"media-jam\"] and .media == \"jammed\" and .conditions[0].severity == \"fault\""
sees "the level of one family, the warning level of the other" \
  "$def supply(\"toner\") | .percent == 75 and .warning_level == 15"
sees "each supply once" "$def [.consumables[].type] | sort == [\"a4_paper\", \"toner\", \"waste_toner\"]"
print_saying 'STATE: -media-jam' 'STATE: +cover-open'
await "cover-open" said cover-open
sees "an open cover and no jam" \
  "$def codes == [\"cover-open\"] and .media != \"jammed\" and .components == [{name: \"cover\", state: \"open\", essential: true}]"
print_saying 'STATE: -cover-open'
await "a mended printer" well
sees "nothing is wrong any more" '.health == "ok" and .conditions == []'

kill "$printer_pid"
wait "$printer_pid" 2> /dev/null || true
printer_pid=''
probe 1
sees "a printer that is gone" '.evidence == "none" and .error != null'
echo "ippeveprinter: every state was told as it was set"
