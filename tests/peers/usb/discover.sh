#!/usr/bin/env bash
# discover.sh KIOSK_AGENT KIOSKCTL: what usb-stage has plugged in is found, told with its reason and printed as a
# configuration that an agent takes as it is; nothing is spoken to.
source "$(dirname "$0")/stage.sh"
agent=$1 kioskctl=$2

find_all() { "$kioskctl" discover "$@" > "$folder/answer" 2> "$folder/ctl.log" || fail "kioskctl discover $*"; }
# finds DRIVER PORT: a sure candidate for it.
finds() {
  sees "$1 at $2" \
    "any(.devices[].candidates[]; .driver == \"$1\" and .port == \"$2\" and .sure and .built_in and .reason != \"\")"
}

find_all --json
sees "nothing is plugged in" '[.devices[].candidates[] | select(.port | startswith("usb"))] == []'

devices=(touch scanner-serial receipt plain card bridge twin-a twin-b)
for device in "${devices[@]}"; do play plug "$device"; done
find_all --json --lang en
finds presence usb-list:0eef:0001
finds presence usb-list:1eab:0c06
finds escpos usb:04b8:0e15
sees "a printer that may be one" 'any(.devices[].candidates[]; .port == "usb:0483:5743" and .sure == false)'
sees "a card reader, for PC/SC" \
  'any(.devices[].candidates[]; .driver == "pcsc" and (.reason | test("class 0b")) and .port == "pcsc:Gemalto Card reader")'
sees "two alike" '[.devices[].candidates[].port] | contains(["usb:0519:0003?serial=A1", "usb:0519:0003?serial=B2"])'
sees "a serial adapter and its port" \
  'any(.devices[]; .note | test("CH340.*/dev/ttyUSB0")) and any(.devices[]; .what == "serial port /dev/ttyUSB0" and .text == "USB 1a86:7523")'
sees "what hangs on the port is not known" \
  '[.devices[] | select(.what == "serial port /dev/ttyUSB0") | .candidates[].sure] | length > 1 and all(not)'
for device in "${devices[@]}"; do
  stage transfers "$device"
  [ "$told" = 0 ] || fail "$device was spoken to"
  stage claims "$device"
  [ "$told" = 0 ] || fail "$device was claimed"
done

find_all --lang zh-CN
grep -q '只检测是否在位' "$folder/answer" || fail "that only presence is known is not said"
find_all --lang en
grep -q '^# made by eGalax/D-WAV (VID 0eef); watched by its presence alone' "$folder/answer" || fail "no reason"

# As it is, for an agent.
play set receipt cover-open on
cp "$folder/answer" "$folder/agent.toml"
"$agent" run --data "$folder/data" --config "$folder/agent.toml" > "$folder/agent.log" 2>&1 &
children+=($!)
well() {
  "$kioskctl" devices --json --data "$folder/data" > "$folder/answer" 2> "$folder/ctl.log" || true
  jq -e '[.devices[] | select(.name == "touch-screen" or .name == "scanner") | .health] == ["ok", "ok"]
    and any(.devices[]; .name == "receipt-printer" and .conditions[0].code == "cover-open")' "$folder/answer" \
    > /dev/null 2>&1
}
await "the agent to watch what was found" well
grep -q 'problems=0' "$folder/agent.log" || fail "the configuration has mistakes"

# A host of the network: one port is open there, and nothing is sent to it.
mkfifo "$folder/port"
python3 - > "$folder/port" << 'PY' &
import socket, sys
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
try:
    server.bind(("127.0.0.9", 9100))
except OSError:
    print("taken", flush=True)
    sys.exit()
server.listen(4)
print("listens", flush=True)
peer, _ = server.accept()
peer.settimeout(5)
print("heard", len(peer.recv(100)), flush=True)
PY
children+=($!)
exec 9< "$folder/port"
read -r said <&9
if [ "$said" = listens ]; then
  find_all 127.0.0.9 --json --limit-ms 300 --lang en
  sees "an open port" \
    'any(.devices[]; .what == "network 127.0.0.9, port 9100" and .candidates[0].port == "tcp://127.0.0.9:9100" and (.candidates[0].sure | not))'
  sees "and no other" '[.devices[] | select(.what | startswith("network"))] | length == 1'
  read -r said <&9
  [ "$said" = "heard 0" ] || fail "something was sent to a port that is not known: $said"
fi
echo "discover: everything that is plugged in was found"
