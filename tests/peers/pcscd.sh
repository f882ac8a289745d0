#!/usr/bin/env bash
# A PC/SC service nobody here wrote: pcscd with libccid, above a USB reader made with umockdev, asked by `kioskctl
# probe` after each thing that happens to the reader, and by a driver that stays attached through it all. pcscd.sh
# KIOSKCTL PCSC_WATCH CCID_READER; needs pcscd, libccid, umockdev,
# libumockdev-dev (at build time), pcsc-tools and jq (packaging/test.sh installs them). pcscd's socket has a fixed path:
# it runs in a file system view of its own, beside the machine's own pcscd if there is one.
set -euo pipefail
kioskctl=$1
watch=$2
reader=$3
PATH=$PATH:/usr/sbin
for program in pcscd umockdev-wrapper pcsc_scan unshare jq "$reader"; do
  command -v "$program" > /dev/null || { echo "$program is missing: packaging/test.sh installs or builds it" >&2; exit 1; }
done
if [ -z "${KW_PCSCD_VIEW:-}" ]; then
  user=()
  [ "$(id -u)" -eq 0 ] || user=(--user --map-root-user)
  KW_PCSCD_VIEW=own exec unshare "${user[@]}" --mount bash "$0" "$@"
fi
mount -t tmpfs own /run

folder=$(mktemp -d)
export LC_ALL=C.UTF-8
reader_pid='' watch_pid=''
daemon_pid() { { tr -d '\0' < /run/pcscd/pcscd.pid; } 2> /dev/null || true; }
end() {
  trap - EXIT
  exec 9>&- 8>&- 7>&- 6>&-
  [ -z "$watch_pid" ] || kill "$watch_pid" 2> /dev/null || true
  if [ -n "$reader_pid" ]; then
    kill -CONT "$(daemon_pid)" 2> /dev/null || true
    kill "$(daemon_pid)" 2> /dev/null || true
    wait "$reader_pid" 2> /dev/null || true
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

# await WHAT COMMAND...: other processes can only be asked again and again.
await() {
  local until=$((SECONDS + 20)) what=$1
  shift
  until "$@"; do
    [ $SECONDS -lt $until ] || fail "not within 20 s: $what"
    sleep 0.05
  done
}

# ---- what kioskctl sees ----------------------------------------------------------------------------
port=pcsc:
# Asks once; its exit code is in $code.
ask() {
  code=0
  "$kioskctl" probe pcsc "$port" --json --set card_mute_after_s=0 --set timeout_ms=700 > "$folder/answer" 2> "$folder/probe.log" || code=$?
}
tells() { ask; jq -e "$1" "$folder/answer" > /dev/null; }
# The same of the driver that stays attached.
mkfifo "$folder/looks" "$folder/statuses"
"$watch" "$port" < "$folder/looks" > "$folder/statuses" 2> "$folder/watch.log" &
watch_pid=$!
exec 7> "$folder/looks" 6< "$folder/statuses"
watch_tells() {
  echo look >&7
  read -r -t 10 status <&6 || fail "the attached driver says nothing"
  echo "$status" > "$folder/answer"
  jq -e "$1" <<< "$status" > /dev/null
}
# shows CODE WHAT FILTER: it will be told, and kioskctl ends with CODE.
shows() {
  await "$2" tells "$3"
  [ "$code" = "$1" ] || fail "$2: kioskctl ended with $code, not $1"
  [ "$port" != pcsc: ] || await "$2, by the attached driver" watch_tells "${3%% and .elapsed_ms*}"
}
no_service='.device_state == "unknown" and [.conditions[].code] == ["pcsc-service"]'
empty='.device_state == "online" and .media == "notPresent" and .conditions == [] and .evidence == "driverReport"'
inside='.device_state == "online" and .media == "present" and .conditions == [] and .components[0].state == "ok"'
mute='.device_state == "online" and .media == "present" and .conditions[0].code == "card-mute" and .conditions[0].severity == "warning" and .health == "warning"'
gone='.device_state == "noDevice" and [.conditions[].code] == ["not-present"] and .health == "fault"'
stopped='(.conditions[0].detail | startswith("the PC/SC service does not run: start it"))'
none='(.conditions[0].detail | startswith("PC/SC works and knows no reader"))'

shows 4 "no service yet" "$no_service and $stopped and .conditions[0].action == \"softwareError\""

# ---- the service and its reader --------------------------------------------------------------------
mkdir "$folder/readers"
mkfifo "$folder/orders" "$folder/done"
start_service() {
  umockdev-wrapper "$reader" "$(command -v pcscd)" -f -c "$folder/readers" \
    < "$folder/orders" > "$folder/done" 2>> "$folder/pcscd.log" &
  reader_pid=$!
  exec 9> "$folder/orders" 8< "$folder/done"
}
start_service
order() {
  local line
  echo "$1" >&9
  read -r -t 10 line <&8 || fail "the reader does not obey: $1"
  [ "$line" = "$1" ] || fail "the reader said $line, not $1"
}

shows 0 "an empty reader" "$empty and .health == \"ok\""
name=$(jq -r .identity.model "$folder/answer")
pcsc_scan -r > "$folder/scan.log" 2>&1 || true
grep -qF "$name" "$folder/scan.log" || fail "pcsc_scan sees no reader \"$name\""
order insert
shows 0 "a card" "$inside"
order remove
shows 0 "no card" "$empty"
order mute
shows 0 "a card that does not answer" "$mute and .conditions[0].vendor_code == \"0220\" and .components[0].state == \"inoperable\""
code=0
"$kioskctl" probe pcsc pcsc: --json > "$folder/answer" || code=$?
jq -e '.media == "present" and .conditions == [] and .health == "ok"' "$folder/answer" > /dev/null \
  || fail "a card that was mute for a moment only is no warning yet"
order remove
shows 0 "no card again" "$empty"
order unplug
shows 1 "no reader" "$gone and $none"
order plug
shows 0 "the reader is back" "$empty"

port="pcsc:$name"
shows 0 "the reader by its whole name" "$empty"
port=pcsc:Gemalto
shows 0 "the reader by the beginning of its name" "$empty"
port=pcsc:ACS
shows 1 "another reader" "$gone and .conditions[0].detail == \"attached: $name\""
port=pcsc:

# A daemon that hangs: told within the time that was given.
daemon=$(daemon_pid)
kill -STOP "$daemon"
shows 4 "a service that hangs" "$no_service and .elapsed_ms < 2000"
kill -CONT "$daemon"
shows 0 "a service that goes on" "$empty"
kill "$daemon"
wait "$reader_pid" || true
reader_pid=''
shows 4 "a service that was stopped" "$no_service and $stopped"
exec 9>&- 8>&-
start_service
shows 0 "a service that was started again" "$empty"
order insert
shows 0 "a card in it" "$inside"

! grep -q touched "$folder/pcscd.log" || fail "a command went to the card itself"
echo "pcscd: every state was told as it was set"
