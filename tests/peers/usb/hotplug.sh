#!/usr/bin/env bash
# hotplug.sh KIOSK_AGENT KIOSKCTL: an agent that polls once a minute tells within a second what is pulled out, and asks
# at once what is plugged in, since the system says so. What nobody configured is told by a note.
source "$(dirname "$0")/stage.sh"
agent=$1 kioskctl=$2

device() { printf '[[device]]\nname = "%s"\ndriver = "%s"\nport = "%s"\npoll_ms = 60000\nsettings = { %s }\n' "$@"; }
{
  printf '[agent]\nlanguage = "en"\nflap_changes = 0\n'
  device touch presence usb-list:0eef:0001 'kind = "touch_screen"'
  device scanner presence usb-list:1eab:0c06 'kind = "scanner"'
  device printer escpos usb:04b8:0e15 'model = "epson"'
} > "$folder/agent.toml"

# Its exit code says how the devices are, which is not what is asked here.
ask() { "$kioskctl" devices --json --data "$folder/data" > "$folder/answer" 2> "$folder/ctl.log" || true; }
# is NAME FILTER: that device is so now.
is() { ask; jq -e ".devices[] | select(.name == \"$1\") | $2" "$folder/answer" > /dev/null 2>&1; }
now() { date +%s%N; }
# told_within MS NAME FROM FILTER: the device becomes so, by an event not later than MS after FROM.
told_within() {
  local limit=$1 name=$2 from=$3 since
  await "$name: $4" is "$name" "$4"
  since=$(jq -r ".devices[] | select(.name == \"$name\") | .since" "$folder/answer")
  local took=$((($(date -d "$since" +%s%N) - from) / 1000000))
  [ "$took" -le "$limit" ] || fail "$name: told after $took ms, not $limit"
  echo "$name: $4 told after $took ms"
}

play plug touch
play plug scanner-serial
play plug receipt
"$agent" run --data "$folder/data" --config "$folder/agent.toml" > "$folder/agent.log" 2>&1 &
children+=($!)
await "the first look" is printer '.health == "ok"'
await "the first look" is touch '.health == "ok" and .evidence == "presenceOnly" and .kind == "touch_screen"'
await "the first look" is scanner '.health == "ok"'
"$kioskctl" devices --data "$folder/data" --lang en > "$folder/answer" || true
grep -q 'presence only' "$folder/answer" || fail "kioskctl devices does not say that only presence is known"

gone='.device_state == "noDevice" and .conditions[0].code == "not-present"'
for name in touch printer; do
  part=$name
  [ "$name" = touch ] || part=receipt
  from=$(now)
  play unplug "$part"
  told_within 1000 "$name" "$from" "$gone"
  from=$(now)
  play plug "$part"
  told_within 1000 "$name" "$from" '.health == "ok"'
done
from=$(now)
play unplug scanner-serial
play plug scanner-keyboard
told_within 1000 scanner "$from" '.conditions[0].code == "scanner-mode"'
is printer '.health == "ok"' || fail "the printer was disturbed"

# noted_within MS FROM CODE DETAIL: the agent notes that, by an event not later than MS after FROM.
noted() { "$kioskctl" events --json --data "$folder/data" > "$folder/events" 2> "$folder/ctl.log" || true
  jq -e --arg code "$1" --arg detail "$2" "$note_of" "$folder/events" > "$folder/note"; }
note_of='first(.events[] | select(.code == $code and (.detail | startswith($detail))))'
noted_within() {
  local limit=$1 from=$2 code=$3 detail=$4
  await "a note $code: $detail" noted "$code" "$detail"
  local took=$((($(date -d "$(jq -r .at "$folder/note")" +%s%N) - from) / 1000000))
  [ "$took" -le "$limit" ] || fail "$code: told after $took ms, not $limit"
  echo "$code $detail: told after $took ms"
}
from=$(now)
play plug keyboard
noted_within 1000 "$from" usb-plugged-in '1a2c:0e24 "USB Keyboard" class=03 path=1-'
from=$(now)
play unplug keyboard
noted_within 1000 "$from" usb-pulled-out '1a2c:0e24 "USB Keyboard" class=03 path=1-'
from=$(now)
play plug stick
noted_within 1000 "$from" usb-plugged-in '0951:1666 "Memory stick" class=08 path=1-'
! grep -q STICK0077 "$folder/events" || fail "a serial number was told"
strangers=$(jq -r '.events[] | select((.code // "") | startswith("usb-")) | .detail' "$folder/events")
! grep -Eq '^(0eef|04b8|1eab:0c06)' <<< "$strangers" || fail "a configured device was told as a stranger: $strangers"
"$kioskctl" events --data "$folder/data" --lang en > "$folder/answer" || true
grep -q 'not configured was plugged in' "$folder/answer" || fail "kioskctl events does not say what the note is"
echo "hotplug: every change was told within a second"
