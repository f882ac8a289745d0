#!/usr/bin/env bash
# An SNMP agent nobody here wrote: net-snmp's snmpd, told to be a printer too, whose values snmpset changes; `kioskctl probe`
# tells each. snmpd.sh KIOSKCTL; needs snmpd, snmp and jq (packaging/test.sh installs them). Runs beside others of its kind:
# own folder, a port that is free.
set -euo pipefail
kioskctl=$1
PATH=$PATH:/usr/sbin
for program in snmpd snmpset jq; do
  command -v "$program" > /dev/null || { echo "$program is missing: packaging/test.sh installs it" >&2; exit 1; }
done

folder=$(mktemp -d)
export SNMP_PERSISTENT_DIR=$folder/state MIBS=''
mkdir "$folder/state"
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

# ---- the printer: what is overridden, beside the machine's own devices --------------------------------
printer() {
  cat <<CONF
agentAddress udp:127.0.0.1:$1
rocommunity kiosk 127.0.0.1
rwcommunity engineer 127.0.0.1
override -rw .1.3.6.1.2.1.25.3.2.1.3.1 octet_str "Example KioskLaser 4000"
override -rw .1.3.6.1.2.1.25.3.2.1.5.1 integer 2
override -rw .1.3.6.1.2.1.25.3.5.1.1.1 integer 3
override -rw .1.3.6.1.2.1.25.3.5.1.2.1 octet_str 0x0000
override -rw .1.3.6.1.2.1.43.6.1.1.3.1.1 integer 4
override -rw .1.3.6.1.2.1.43.8.2.1.8.1.1 integer 8
override -rw .1.3.6.1.2.1.43.8.2.1.9.1.1 integer 250
override -rw .1.3.6.1.2.1.43.8.2.1.10.1.1 integer 180
override -rw .1.3.6.1.2.1.43.8.2.1.13.1.1 octet_str "Tray 1"
override -rw .1.3.6.1.2.1.43.10.2.1.4.1.1 counter 48211
override -rw .1.3.6.1.2.1.43.11.1.1.4.1.1 integer 3
override -rw .1.3.6.1.2.1.43.11.1.1.5.1.1 integer 3
override -rw .1.3.6.1.2.1.43.11.1.1.6.1.1 octet_str "Black Toner"
override -rw .1.3.6.1.2.1.43.11.1.1.8.1.1 integer 6000
override -rw .1.3.6.1.2.1.43.11.1.1.9.1.1 integer 4500
override -rw .1.3.6.1.2.1.43.18.1.1.2.1.1 integer 1
override -rw .1.3.6.1.2.1.43.18.1.1.4.1.1 integer 5
override -rw .1.3.6.1.2.1.43.18.1.1.5.1.1 integer 1
override -rw .1.3.6.1.2.1.43.18.1.1.7.1.1 integer 507
CONF
}
ask() {
  code=0
  "$kioskctl" probe snmp "$uri" --json > "$folder/answer" 2> "$folder/probe.log" || code=$?
}
answers() { ask && [ "$code" = 0 ]; }
start_agent() {
  local try until
  for try in 1 2 3 4 5; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    uri="snmp://127.0.0.1:$port?community=kiosk"
    printer "$port" > "$folder/snmpd.conf"
    snmpd -f -C -c "$folder/snmpd.conf" -p "$folder/pid" -Lf "$folder/snmpd.log" > "$folder/start.log" 2>&1 &
    agent_pid=$!
    until=$((SECONDS + 10))
    while kill -0 "$agent_pid" 2> /dev/null && [ $SECONDS -lt $until ]; do
      ! answers || return 0
      sleep 0.05
    done
    kill "$agent_pid" 2> /dev/null || true
    wait "$agent_pid" 2> /dev/null || true
  done
  fail "snmpd does not come up"
}
start_agent

# set_cell OID-SUFFIX TYPE VALUE: everything is below 1.3.6.1.2.1.
set_cell() {
  snmpset -v2c -c engineer "127.0.0.1:$port" "1.3.6.1.2.1.$1" "$2" "$3" > "$folder/set.log" 2>&1 || fail "snmpset $*"
}
device() { set_cell 25.3.2.1.5.1 i "$1"; }
status() { set_cell 25.3.5.1.1.1 i "$1"; }
bits() { set_cell 25.3.5.1.2.1 x "$1"; }
cover() { set_cell 43.6.1.1.3.1.1 i "$1"; }
toner() { set_cell 43.11.1.1.9.1.1 i "$1"; }
paper() { set_cell 43.8.2.1.10.1.1 i "$1"; }
alert() {
  set_cell 43.18.1.1.2.1.1 i "$1"
  set_cell 43.18.1.1.4.1.1 i "$2"
  set_cell 43.18.1.1.5.1.1 i "$3"
  set_cell 43.18.1.1.7.1.1 i "$4"
}
no_alert() { alert 1 5 1 507; }

# ---- what kioskctl sees ----------------------------------------------------------------------------
probe() {
  ask
  [ "$code" = "$1" ] || fail "kioskctl probe ended with $code, not $1"
}
sees() { jq -e "def supply(\$t): .consumables[] | select(.type == \$t); def codes: [.conditions[].code] | sort; $2" \
  "$folder/answer" > /dev/null || fail "$1"; }

for version in 2c 1; do
  uri="${uri%%&*}&version=$version"
  probe 0
  sees "an idle printer is well" '.health == "ok" and .device_state == "online" and codes == [] and .error == null'
  sees "the printer among the machine's devices" '.identity.model == "Example KioskLaser 4000"'
  sees "toner with its level" 'supply("toner") | .percent == 75 and .state == "full"'
  sees "paper with its level" 'supply("paper") | .available == 180 and .capacity == 250'

  device 3; bits A000; toner 420; paper 12
  probe 0
  sees "two things low" '.health == "warning" and codes == ["media-low", "toner-low"]'
  sees "toner at 7 %, 12 sheets" '(supply("toner") | .percent == 7 and .state == "low") and (supply("paper") | .available == 12)'
  device 5; status 1; bits 10; toner 0; alert 3 11 1 1101
  probe 1
  sees "toner-empty" 'codes == ["toner-empty"] and (supply("toner") | .state == "out")'
  toner 4500; bits 4000; paper 0; alert 3 8 1 808
  probe 1
  sees "media-empty" 'codes == ["media-empty"] and .conditions[0].detail == "Tray 1" and (supply("paper") | .state == "out")'
  paper 180; bits 04; no_alert
  probe 1
  sees "a jam" 'codes == ["media-jam"] and .media == "jammed"'
  bits 01
  probe 1
  sees "a printer that only calls for service" 'codes == ["service-requested"] and .health == "fault"'
  bits 08; cover 3
  probe 1
  sees "an open cover, once" 'codes == ["cover-open"] and .conditions[0].vendor_code == "coverOpen doorOpen"'
  bits 02; cover 4
  probe 1
  sees "an off-line printer" 'codes == ["printer-offline"] and .device_state == "offline"'
  bits 0000; device 2; status 4
  probe 0
  sees "a printer at work" '.device_state == "deviceBusy" and codes == []'
  status 3; toner -3
  probe 0
  sees "toner of which there is some" 'supply("toner") | .percent == null and .state == "full"'
  toner -2
  probe 0
  sees "toner of which nothing is known" 'supply("toner") | .percent == null and .state == "unknown"'
  toner 4500
done

kill "$agent_pid"
wait "$agent_pid" 2> /dev/null || true
agent_pid=''
probe 1
sees "an agent that is gone" '.evidence == "none" and (.error | contains("nobody listens"))'
echo "snmpd: every state was told as it was set"
