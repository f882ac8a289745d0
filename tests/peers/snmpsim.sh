#!/usr/bin/env bash
# An SNMP agent nobody here wrote: snmpsim plays a laser printer from a table, which is edited while it runs, and `kioskctl
# probe` tells each state as it is set. snmpsim.sh KIOSKCTL; needs snmpsim and jq (packaging/test.sh installs them). Runs
# beside others of its kind: own folder, a port that is free.
set -euo pipefail
kioskctl=$1
for program in snmpsimd jq; do
  command -v "$program" > /dev/null || { echo "$program is missing: packaging/test.sh installs it" >&2; exit 1; }
done

folder=$(mktemp -d)
agent_pid=''
end() {
  trap - EXIT
  if [ -n "$agent_pid" ]; then
    kill "$agent_pid" 2> /dev/null || true
    wait "$agent_pid" 2> /dev/null || true
  fi
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

# ---- the printer -----------------------------------------------------------------------------------
# "OID|tag|value" a line, in the order of OIDs; 4x is an OCTET STRING in hex.
mkdir "$folder/data" "$folder/cache"
cat > "$folder/table" <<'TABLE'
1.3.6.1.2.1.1.3.0|67|123456700
1.3.6.1.2.1.25.3.2.1.2.1|6|1.3.6.1.2.1.25.3.1.5
1.3.6.1.2.1.25.3.2.1.3.1|4|Example KioskLaser 4000
1.3.6.1.2.1.25.3.2.1.5.1|2|2
1.3.6.1.2.1.25.3.5.1.1.1|2|3
1.3.6.1.2.1.25.3.5.1.2.1|4x|0000
1.3.6.1.2.1.43.5.1.1.17.1|4|KL4000A00017
1.3.6.1.2.1.43.6.1.1.2.1.1|4|Front cover
1.3.6.1.2.1.43.6.1.1.3.1.1|2|4
1.3.6.1.2.1.43.8.2.1.2.1.1|2|3
1.3.6.1.2.1.43.8.2.1.8.1.1|2|8
1.3.6.1.2.1.43.8.2.1.9.1.1|2|250
1.3.6.1.2.1.43.8.2.1.10.1.1|2|180
1.3.6.1.2.1.43.8.2.1.12.1.1|4|iso-a4-white
1.3.6.1.2.1.43.8.2.1.13.1.1|4|Tray 1
1.3.6.1.2.1.43.10.2.1.4.1.1|65|48211
1.3.6.1.2.1.43.11.1.1.3.1.1|2|1
1.3.6.1.2.1.43.11.1.1.3.1.2|2|0
1.3.6.1.2.1.43.11.1.1.3.1.3|2|0
1.3.6.1.2.1.43.11.1.1.4.1.1|2|3
1.3.6.1.2.1.43.11.1.1.4.1.2|2|4
1.3.6.1.2.1.43.11.1.1.4.1.3|2|3
1.3.6.1.2.1.43.11.1.1.5.1.1|2|21
1.3.6.1.2.1.43.11.1.1.5.1.2|2|4
1.3.6.1.2.1.43.11.1.1.5.1.3|2|15
1.3.6.1.2.1.43.11.1.1.6.1.1|4|Black Toner Cartridge
1.3.6.1.2.1.43.11.1.1.6.1.2|4|Waste Toner Bottle
1.3.6.1.2.1.43.11.1.1.6.1.3|4|Fuser
1.3.6.1.2.1.43.11.1.1.7.1.1|2|7
1.3.6.1.2.1.43.11.1.1.7.1.2|2|19
1.3.6.1.2.1.43.11.1.1.7.1.3|2|7
1.3.6.1.2.1.43.11.1.1.8.1.1|2|6000
1.3.6.1.2.1.43.11.1.1.8.1.2|2|100
1.3.6.1.2.1.43.11.1.1.8.1.3|2|100000
1.3.6.1.2.1.43.11.1.1.9.1.1|2|4500
1.3.6.1.2.1.43.11.1.1.9.1.2|2|95
1.3.6.1.2.1.43.11.1.1.9.1.3|2|-3
1.3.6.1.2.1.43.12.1.1.4.1.1|4|black
TABLE
alerts=''
# Put in place whole. snmpsim takes a table for new when its file's time is another one than before, by whole seconds, and not
# older than its index.
minute=0
publish() {
  minute=$((minute + 1))
  { cat "$folder/table"; printf '%s' "$alerts"; } > "$folder/next"
  touch -d "+$minute minutes" "$folder/next"
  chmod a+r "$folder/next"
  mv "$folder/next" "$folder/data/laser.snmprec"
}
# set OID-SUFFIX VALUE: everything is below 1.3.6.1.2.1.
set_cell() { sed -i "s/^\(1\.3\.6\.1\.2\.1\.${1//./\\.}|[^|]*|\).*/\1$2/" "$folder/table"; }
device() { set_cell 25.3.2.1.5.1 "$1"; }
bits() { set_cell 25.3.5.1.2.1 "$1"; }
cover() { set_cell 43.6.1.1.3.1.1 "$1"; }
toner() { set_cell 43.11.1.1.9.1.1 "$1"; }
paper() { set_cell 43.8.2.1.10.1.1 "$1"; }
# alert SEVERITY GROUP PART CODE, or nothing for none
alert() {
  alerts=''
  [ $# -gt 0 ] || return 0
  local base=1.3.6.1.2.1.43.18.1.1
  printf -v alerts '%s|2|%s\n' $base.2.1.1 "$1" $base.4.1.1 "$2" $base.5.1.1 "$3" $base.7.1.1 "$4"
}

# The agent does not want to run as root, and the account that it changes to has to read the table.
account=()
if [ "$(id -u)" = 0 ]; then
  account=(--process-user=nobody --process-group=nogroup)
  chmod 711 "$folder"
  chmod 777 "$folder/cache"
fi
ask() {
  code=0
  "$kioskctl" probe snmp "$uri" --json > "$folder/answer" 2> "$folder/probe.log" || code=$?
}
answers() { ask && [ "$code" = 0 ]; }
start_agent() {
  local try until port
  for try in 1 2 3; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    uri="snmp://127.0.0.1:$port?community=laser"
    snmpsimd --data-dir="$folder/data" --cache-dir="$folder/cache" "${account[@]}" \
      --logging-method="file:$folder/snmpsim.log" --agent-udpv4-endpoint="127.0.0.1:$port" > "$folder/start.log" 2>&1 &
    agent_pid=$!
    until=$((SECONDS + 25))
    while kill -0 "$agent_pid" 2> /dev/null && [ $SECONDS -lt $until ]; do
      ! answers || return 0
      sleep 0.1
    done
    kill "$agent_pid" 2> /dev/null || true
    wait "$agent_pid" 2> /dev/null || true
  done
  fail "snmpsim does not come up"
}
publish
start_agent

# ---- what kioskctl sees ----------------------------------------------------------------------------
# probe CODE: publishes the table, asks once, and expects that exit code.
probe() {
  publish
  ask
  [ "$code" = "$1" ] || fail "kioskctl probe ended with $code, not $1"
}
sees() { jq -e "def supply(\$t): .consumables[] | select(.type == \$t); def codes: [.conditions[].code] | sort; $2" \
  "$folder/answer" > /dev/null || fail "$1"; }

both_versions_tell() {
  device 2; bits 0000; cover 4; toner 4500; paper 180; alert
  probe 0
  sees "an idle printer is well" '.health == "ok" and .device_state == "online" and codes == [] and .error == null'
  sees "who it is" '.identity.model == "Example KioskLaser 4000" and .identity.serial == "KL4000A00017"'
  sees "toner with its level" 'supply("toner") | .percent == 75 and .state == "full" and .source == "measured"'
  sees "a full waste tank by its level, which is no word on it" 'supply("waste_toner") | .state == "ok" and .direction == "bin"'
  sees "a fuser that has some" 'supply("fuser") | .percent == null and .state == "full"'
  sees "paper with its level" 'supply("a4_paper") | .available == 180 and .capacity == 250 and .unit == "sheets"'
  sees "what it printed" '.measurements.printed_impressions == 48211'

  device 3; bits 20; toner 420; alert 4 11 1 1104
  probe 0
  sees "toner-low" '.health == "warning" and codes == ["toner-low"] and .conditions[0].detail == "Black Toner Cartridge"'
  sees "toner at 7 %" 'supply("toner") | .percent == 7 and .state == "low"'
}
both_versions_tell
uri+="&version=1"
both_versions_tell
uri="${uri%%&*}"

device 5; bits 10; toner 0; alert 3 11 1 1101
probe 1
sees "toner-empty" 'codes == ["toner-empty"] and (supply("toner") | .percent == 0 and .state == "out")'
toner 4500; device 3; bits 00; alert 4 11 2 1107
probe 0
sees "an almost full waste tank, by alert" 'codes == ["marker-waste-almost-full"] and (supply("waste_toner") | .state == "high")'
device 5; bits 4004; paper 0; alert 3 8 1 808
probe 1
sees "media-empty" 'codes == ["media-empty"] and .conditions[0].detail == "Tray 1"'
sees "an empty tray" 'supply("a4_paper") | .available == 0 and .state == "out"'
paper 12; device 3; bits 80; alert 4 8 1 807
probe 0
sees "media-low" 'codes == ["media-low"] and (supply("a4_paper") | .available == 12 and .state == "low")'
paper 180; device 5; bits 04; alert 3 13 1 8
probe 1
sees "a jam" 'codes == ["media-jam"] and .media == "jammed"'
bits 01; alert
probe 1
sees "a printer that only calls for service" 'codes == ["service-requested"] and .health == "fault" and .media == "unknown"'
cover 3
probe 1
sees "an open cover behind it" 'codes == ["cover-open"] and (.components[] | select(.name == "cover") | .state == "open")'
cover 4; bits 0200
probe 1
sees "an off-line printer" 'codes == ["printer-offline"] and .device_state == "offline"'
bits ''; device 2
probe 0
sees "a mended printer, of no bits at all" '.health == "ok" and codes == []'

uri="${uri%%\?*}?community=nobody"
ask
[ "$code" = 1 ] || fail "an agent that does not answer"
sees "an unknown community, which is not answered" '.evidence == "none" and (.error | contains("community"))'
echo "snmpsim: every state was told as it was set"
