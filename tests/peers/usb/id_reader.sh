#!/usr/bin/env bash
# id_reader.sh KIOSK_AGENT KIOSKCTL CANARY_SCAN: a native USB SAM-V module, four pipes, under the system's libusb: polled,
# faulty, silent, pulled out, and read three times by an operator, after which no identity is in any file or in memory.
source "$(dirname "$0")/stage.sh"
agent=$1 kioskctl=$2 scan=$3

probe() {
  local expected=$1 code=0
  shift
  "$kioskctl" probe "$@" --json > "$folder/answer" 2> "$folder/probe.log" || code=$?
  [ "$code" = "$expected" ] || fail "kioskctl probe $* ended with $code, not $expected"
}
codes='[.conditions[].code]'

probe 1 sdt usb:0400:c35a
sees "a reader that is not attached" "$codes == [\"not-present\"] and .device_state == \"noDevice\""
play plug id-reader
probe 0 sdt usb:0400:c35a
sees "a module that is well, within a second" \
  '.health == "ok" and .evidence == "protocolReply" and .elapsed_ms < 1000
   and .identity.serial == "05.01-20120411-0002011994-0000000001"'
play set id-reader sam-self-test on
probe 1 sdt usb:0400:c35a
sees "a failed self-test" \
  "$codes == [\"sam-self-test\"] and .device_state == \"hardwareError\" and .conditions[0].vendor_code == \"SW3=60\""
play set id-reader sam-self-test off
play set id-reader link-noise on
probe 0 sdt usb:0400:c35a
sees "noise" "$codes == [\"link-noise\"] and .health == \"warning\""
play set id-reader link-noise off
play halt id-reader 0x85
probe 0 sdt usb:0400:c35a
sees "a halted pipe is released" ".health == \"ok\""
play mute id-reader on
probe 1 sdt usb:0400:c35a
sees "silence" "$codes == [\"no-reply\"]"
play mute id-reader off
play elsewhere id-reader on
probe 4 sdt usb:0400:c35a
sees "the business application has it" '.evidence == "sharedBusy" and .device_state == "unknown" and .conditions == []'
play elsewhere id-reader off
probe 1 sdt usb:0400:c35a --set usb_readers=1234:5678
sees "a device that configuration does not name" "$codes == [\"wrong-device\"]"

# ---- an operator's self-test ------------------------------------------------------------------------
cat > "$folder/agent.toml" << END
[agent]
language = "en"
[[device]]
name = "tested"
driver = "sdt"
port = "usb:2015:0008"
poll_ms = 500
[[device]]
name = "polled"
driver = "sdt"
port = "usb:0400:c35a"
poll_ms = 500
END
play plug id-reader-test
play set id-reader-test card-present on
play set id-reader card-present on
"$agent" run --data "$folder/data" --config "$folder/agent.toml" --log-level debug > "$folder/agent.log" 2>&1 &
children+=($!)
agent_process=$!
well() {
  "$kioskctl" devices --json --data "$folder/data" > "$folder/answer" 2> "$folder/ctl.log" || true
  jq -e '[.devices[] | select(.health == "ok")] | length == 2' "$folder/answer" > /dev/null 2>&1
}
await "both readers are well" well
"$kioskctl" test tested --json --data "$folder/data" > "$folder/answer" || fail "the self-test did not pass"
sees "three reads" '.self_test.passed and (.self_test.attempts_ms | length == 3)
  and (.self_test.detail | test("reads=3/3 codes=90,90,90 .* checksum=ok"))'
"$kioskctl" bundle --data "$folder/data" -o "$folder/bundle.json" > "$folder/bundle.out" 2>&1 || true
await "both readers are well again" well
"$scan" --memory "$agent_process" "$folder/core" 2> "$folder/scan.log" || fail "the agent's memory: $?"
grep -q 05.01-20120411 "$folder/core" || fail "this is not the agent's memory"
"$scan" "$folder" > "$folder/found" 2>&1 || { cat "$folder/found" >&2; fail "an identity was left behind"; }
play unplug id-reader
gone() {
  "$kioskctl" devices --json --data "$folder/data" > "$folder/answer" 2> "$folder/ctl.log" || true
  jq -e '.devices[] | select(.name == "polled") | .conditions[0].code == "not-present"' "$folder/answer" > /dev/null 2>&1
}
await "it was pulled out" gone
echo "ID reader: polled, tested and pulled out over USB, and no identity left behind"
