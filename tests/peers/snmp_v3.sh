#!/usr/bin/env bash
# SNMPv3 against two agents nobody here wrote, snmpsim and net-snmp's snmpd: `kioskctl probe` with the right passphrases, with
# wrong ones, with a user that is not known; then several sessions in one program. snmp_v3.sh FOLDER [KIOSKCTL]: where
# kioskctl_v3 and snmp_sessions are, and the shipped kioskctl where that goes without SNMPv3. Needs libsnmp-dev (those two are
# not built without), snmpsim, snmpd and jq (packaging/test.sh installs them). Runs beside others of its kind: own folder,
# ports that are free.
set -euo pipefail
kioskctl=$1/kioskctl_v3
sessions=$1/snmp_sessions
shipped=${2:-}
PATH=$PATH:/usr/sbin
[ -x "$kioskctl" ] || { echo "$kioskctl is missing: it needs libsnmp-dev, which packaging/test.sh installs" >&2; exit 1; }
for program in snmpsimd snmpd jq; do
  command -v "$program" > /dev/null || { echo "$program is missing: packaging/test.sh installs it" >&2; exit 1; }
done

folder=$(mktemp -d)
export SNMP_PERSISTENT_DIR=$folder/state MIBS=''
mkdir "$folder/state" "$folder/data" "$folder/cache"
agent_pid=''
sessions_pid=''
stop_agent() {
  [ -n "$agent_pid" ] || return 0
  kill "$agent_pid" 2> /dev/null || true
  wait "$agent_pid" 2> /dev/null || true
  agent_pid=''
}
end() {
  trap - EXIT
  stop_agent
  [ -z "$sessions_pid" ] || kill "$sessions_pid" 2> /dev/null || true
  rm -rf "$folder"
}
trap end EXIT
trap 'exit 130' INT TERM

fail() {
  echo "FAILED: $*" >&2
  echo "asked: ${asked:-nobody}; the last answer: $(cat "$folder/answer" 2> /dev/null)" >&2
  tail -n 20 "$folder"/*.log >&2 || true
  exit 1
}

# secrets NAME AUTH PRIVACY: a file of passphrases.
secrets() {
  (umask 077; printf '# of a test\nauth=%s\nprivacy=%s\n' "$2" "$3" > "$folder/$1")
}
secrets right 'open sesame, open' 'close sesame, close'
secrets wrong-auth 'open barley, open' 'close sesame, close'
secrets wrong-privacy 'open sesame, open' 'close barley, close'

# ask OPTIONS: what kioskctl says of the agent at $port.
ask() {
  asked="snmp://127.0.0.1:$port?$1"
  code=0
  "$kioskctl" probe snmp "$asked" --json > "$folder/answer" 2> "$folder/probe.log" || code=$?
  ! grep -q sesame "$folder/answer" "$folder/probe.log" || fail "passphrases are never told"
}
as() { ask "version=3&context=$context&$1"; }
sees() { jq -e "def supply(\$t): .consumables[] | select(.type == \$t); def codes: [.conditions[].code] | sort; $2" \
  "$folder/answer" > /dev/null || fail "$1"; }
tells() {
  as "$1"
  [ "$code" = 0 ] || fail "$2: kioskctl probe ended with $code"
  sees "$2" '.device_state == "online" and .identity.model == "Example KioskLaser 4000" and .error == null'
  sees "$2: toner" 'supply("toner") | .percent == 75'
}
says() {
  as "$1"
  [ "$code" = 1 ] || fail "$2: kioskctl probe ended with $code"
  sees "$2: \"$3\"" ".evidence == \"none\" and (.error | contains(\"$3\"))"
}
# comes_up COMMAND: starts it at $port; whether it answers $first.
comes_up() {
  local until=$((SECONDS + 25))
  "$1" > "$folder/start.log" 2>&1 &
  agent_pid=$!
  while kill -0 "$agent_pid" 2> /dev/null && [ $SECONDS -lt $until ]; do
    as "$first"
    [ "$code" != 0 ] || return 0
    sleep 0.1
  done
  stop_agent
  return 1
}
# start_agent COMMAND: at a port that is free.
start_agent() {
  local try
  for try in 1 2 3; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    ! comes_up "$1" || return 0
  done
  fail "$1 does not come up"
}

# ---- snmpsim: one table, by SNMPv2c and by SNMPv3 ----------------------------------------------------
# "OID|tag|value" a line; all the kinds of values there are.
cat > "$folder/data/laser.snmprec" <<'TABLE'
1.3.6.1.2.1.1.3.0|67|4123456700
1.3.6.1.2.1.25.3.2.1.2.1|6|1.3.6.1.2.1.25.3.1.5
1.3.6.1.2.1.25.3.2.1.3.1|4|Example KioskLaser 4000
1.3.6.1.2.1.25.3.2.1.5.1|2|3
1.3.6.1.2.1.25.3.5.1.1.1|2|3
1.3.6.1.2.1.25.3.5.1.2.1|4x|8000
1.3.6.1.2.1.43.5.1.1.17.1|4|KL4000A00017
1.3.6.1.2.1.43.6.1.1.2.1.1|4|Front cover
1.3.6.1.2.1.43.6.1.1.3.1.1|2|4
1.3.6.1.2.1.43.8.2.1.2.1.1|2|3
1.3.6.1.2.1.43.8.2.1.8.1.1|2|8
1.3.6.1.2.1.43.8.2.1.9.1.1|2|250
1.3.6.1.2.1.43.8.2.1.10.1.1|2|12
1.3.6.1.2.1.43.8.2.1.12.1.1|4|iso-a4-white
1.3.6.1.2.1.43.8.2.1.13.1.1|4x|e7bab8e79b9231
1.3.6.1.2.1.43.10.2.1.4.1.1|70|5000000000
1.3.6.1.2.1.43.11.1.1.3.1.1|2|1
1.3.6.1.2.1.43.11.1.1.3.1.2|2|0
1.3.6.1.2.1.43.11.1.1.4.1.1|2|3
1.3.6.1.2.1.43.11.1.1.4.1.2|2|3
1.3.6.1.2.1.43.11.1.1.5.1.1|2|21
1.3.6.1.2.1.43.11.1.1.5.1.2|2|15
1.3.6.1.2.1.43.11.1.1.6.1.1|4|Black Toner Cartridge
1.3.6.1.2.1.43.11.1.1.6.1.2|4|Fuser
1.3.6.1.2.1.43.11.1.1.7.1.1|2|7
1.3.6.1.2.1.43.11.1.1.7.1.2|2|7
1.3.6.1.2.1.43.11.1.1.8.1.1|66|4000000000
1.3.6.1.2.1.43.11.1.1.8.1.2|2|100000
1.3.6.1.2.1.43.11.1.1.9.1.1|66|3000000000
1.3.6.1.2.1.43.11.1.1.9.1.2|2|-3
1.3.6.1.2.1.43.12.1.1.4.1.1|4|black
1.3.6.1.2.1.43.18.1.1.2.1.1|2|4
1.3.6.1.2.1.43.18.1.1.4.1.1|2|8
1.3.6.1.2.1.43.18.1.1.5.1.1|2|1
1.3.6.1.2.1.43.18.1.1.7.1.1|2|807
TABLE
# The agent does not want to run as root, and the account that it changes to has to read the table.
account=()
if [ "$(id -u)" = 0 ]; then
  account=(--process-user=nobody --process-group=nogroup)
  chmod 711 "$folder"
  chmod 755 "$folder/data"
  chmod 644 "$folder/data/laser.snmprec"
  chmod 777 "$folder/cache"
fi
simulator() {
  exec snmpsimd --data-dir="$folder/data" --cache-dir="$folder/cache" "${account[@]}" \
    --logging-method="file:$folder/snmpsim.log" --v3-engine-id=80001f88046b696f736b \
    --v3-user=kiosk --v3-auth-key='open sesame, open' --v3-auth-proto=SHA \
    --v3-priv-key='close sesame, close' --v3-priv-proto=AES \
    --v3-user=open-hand --v3-auth-key='open sesame, open' --v3-auth-proto=SHA256 \
    --agent-udpv4-endpoint="127.0.0.1:$port"
}
context=laser
first="user=kiosk&secrets=$folder/right"
start_agent simulator
tells "user=kiosk&secrets=$folder/right" "authPriv, SHA and AES"
sees "what is low" 'codes == ["media-low"] and .conditions[0].detail == "纸盒1" and .health == "warning"'
sees "what it printed, beyond 32 bits" '.measurements.printed_impressions == 5000000000'
same() { jq -S 'del(.elapsed_ms)' "$folder/answer"; }
same > "$folder/by-v3"
ask 'community=laser'
[ "$code" = 0 ] && same | diff "$folder/by-v3" - >&2 || fail "SNMPv3 tells the same as SNMPv2c"
tells "user=open-hand&secrets=$folder/right&level=authNoPriv&auth=SHA-256" "authNoPriv, SHA-256"
says "user=kiosk&secrets=$folder/wrong-auth" "a wrong authentication passphrase" "authentication failed"
says "user=kiosk&secrets=$folder/right&level=authNoPriv" "less than the user's level" "does not take this level"
says "user=kiosk&level=noAuthNoPriv" "nothing of the user's level" "does not take this level"
says "user=stranger&secrets=$folder/right" "an unknown user, whom it does not answer" "wrong name or passphrase"
says "user=kiosk&secrets=$folder/none" "no file of passphrases" "No such file"
cp "$folder/right" "$folder/public"
chmod 644 "$folder/public"
says "user=kiosk&secrets=$folder/public" "passphrases for all to read" "chmod 600"
stop_agent

# ---- snmpd: every protocol ---------------------------------------------------------------------------
printer() {
  cat <<CONF
agentAddress udp:127.0.0.1:$1
exactEngineID 0x80001f8804736e6d7064
oldEngineID 0x80001f8804736e6d7064
engineBoots $boots
override .1.3.6.1.2.1.25.3.2.1.3.1 octet_str "Example KioskLaser 4000"
override .1.3.6.1.2.1.25.3.2.1.5.1 integer 2
override .1.3.6.1.2.1.25.3.5.1.1.1 integer 3
override .1.3.6.1.2.1.25.3.5.1.2.1 octet_str 0x0000
override .1.3.6.1.2.1.43.11.1.1.4.1.1 integer 3
override .1.3.6.1.2.1.43.11.1.1.5.1.1 integer 3
override .1.3.6.1.2.1.43.11.1.1.6.1.1 octet_str "Black Toner"
override .1.3.6.1.2.1.43.11.1.1.8.1.1 integer 6000
override .1.3.6.1.2.1.43.11.1.1.9.1.1 integer 4500
rouser anybody noauth
createUser anybody
CONF
  local auth
  for auth in SHA SHA-224 SHA-256 SHA-384 SHA-512; do
    echo "createUser user-$auth $auth \"open sesame, open\" AES \"close sesame, close\""
    echo "rouser user-$auth priv"
  done
  echo 'createUser user-DES SHA "open sesame, open" DES "close sesame, close"'
  echo 'rouser user-DES priv'
}
agent() {
  printer "$port" > "$folder/snmpd.conf"
  exec snmpd -f -C -c "$folder/snmpd.conf" -p "$folder/pid" -Lf "$folder/snmpd.log"
}
boots=0
context=''
first='user=anybody&level=noAuthNoPriv'
start_agent agent
tells "user=anybody&level=noAuthNoPriv" "noAuthNoPriv"
for auth in SHA SHA-224 SHA-256 SHA-384 SHA-512; do
  tells "user=user-$auth&auth=$auth&secrets=$folder/right" "authPriv, $auth and AES"
done
tells "user=user-DES&privacy=DES&secrets=$folder/right" "authPriv, SHA and DES"
says "user=stranger&secrets=$folder/right" "an unknown user" 'the agent knows no user \"stranger\"'
says "user=user-SHA&secrets=$folder/wrong-auth" "a wrong authentication passphrase" "authentication failed"
says "user=user-SHA&auth=SHA-512&secrets=$folder/right" "another protocol than the user's" "or not SHA-512"
says "user=user-SHA&secrets=$folder/wrong-privacy" "a wrong privacy passphrase" "passphrase"

# ---- snmpd, while a program has sessions with it -------------------------------------------------------
stop_agent
boots=50  # so often it has begun
start_agent agent
at="snmp://127.0.0.1:$port?version=3&user=user-SHA"
mkfifo "$folder/go"
timeout 60 "$sessions" "$at&secrets=$folder/right" "$at&secrets=$folder/wrong-auth" < "$folder/go" > "$folder/said" 2> "$folder/sessions.log" &
sessions_pid=$!
exec 3> "$folder/go"
until grep -q ready "$folder/said"; do
  kill -0 "$sessions_pid" 2> /dev/null || fail "sessions of one program"
  sleep 0.05
done
# It has forgotten that: by what is known of it, it speaks of long ago.
stop_agent
boots=0
comes_up agent || fail "snmpd does not come up again"
echo >&3
wait "$sessions_pid" || fail "a session that outlives its agent"
[ "$(tail -n 1 "$folder/said")" = answered ] || fail "an agent that has forgotten: $(tail -n 2 "$folder/said")"
stop_agent
says "user=user-SHA&secrets=$folder/right" "an agent that is gone" "nobody listens"

# ---- a program without ---------------------------------------------------------------------------------
if [ -n "$shipped" ]; then
  kioskctl=$shipped
  without='built without SNMPv3: .*KW_WITH_NETSNMP'
  as "user=kiosk&secrets=$folder/right"
  [ "$code" = 2 ] && grep -q "$without" "$folder/answer" || fail "a program without SNMPv3"
  printf '[[device]]\nname = "laser"\ndriver = "snmp"\nport = "%s"\n' "$asked" > "$folder/agent.toml"
  "$kioskctl" --config "$folder/agent.toml" --data "$folder/data" doctor > "$folder/answer" 2>&1 || true
  grep -q "agent.toml:4: device.0.port: .*$without" "$folder/answer" || fail "its configuration is found wrong"
  "$kioskctl" --lang zh-CN --config "$folder/agent.toml" --data "$folder/data" doctor > "$folder/answer" 2>&1 || true
  grep -q '未包含 SNMPv3' "$folder/answer" || fail "its configuration is found wrong, in Chinese"
fi
echo "SNMPv3: snmpsim and snmpd were read by every protocol, and every mistake was told"
