#!/usr/bin/env bash
# probe.sh KIOSKCTL: `kioskctl probe` over USB, with no agent running, of what usb-stage plays.
source "$(dirname "$0")/stage.sh"
kioskctl=$1

# probe CODE DRIVER PORT [OPTION...]: asks once, and expects that exit code.
probe() {
  local expected=$1 code=0
  shift
  "$kioskctl" probe "$@" --json > "$folder/answer" 2> "$folder/probe.log" || code=$?
  [ "$code" = "$expected" ] || fail "kioskctl probe $* ended with $code, not $expected"
}
codes='[.conditions[].code]'

# ---- presence --------------------------------------------------------------------------------------
probe 1 presence usb-list:0eef:0001
sees "a touch screen that is not attached" \
  "$codes == [\"not-present\"] and .device_state == \"noDevice\" and .evidence == \"presenceOnly\""
play plug touch
probe 0 presence usb-list:0EEF:1
sees "a touch screen that is attached" \
  '.health == "ok" and .kind == "touch_screen" and .evidence == "presenceOnly" and .identity.model == "Touch screen"'
"$kioskctl" probe presence usb-list:0eef:0001 --lang zh-CN > "$folder/answer"
grep -q 仅知设备在位 "$folder/answer" || fail "that only its presence is known is not said"
stage transfers touch
[ "$told" = 0 ] || fail "presence spoke to the device"
stage claims touch
[ "$told" = 0 ] || fail "presence claimed the device"
play plug scanner-keyboard
probe 1 presence usb-list:1eab:0c06 --set kind=scanner
sees "a scanner in the wrong mode" \
  "$codes == [\"scanner-mode\"] and .conditions[0].action == \"configuration\" and .device_state == \"online\""
play unplug scanner-keyboard
play plug scanner-serial
probe 0 presence 'usb-list:1eab:0c06?serial=SN77' --set kind=scanner
sees "the scanner in the right mode" ".kind == \"scanner\" and $codes == [] and .identity.serial == \"SN77\""
probe 1 presence 'usb-list:1eab:0c06?serial=SN78' --set kind=scanner

# ---- ESC/POS on the printer class ---------------------------------------------------------------------
probe 1 escpos usb:04b8:0e15
sees "no printer" "$codes == [\"not-present\"]"
play plug receipt
probe 0 escpos usb:04b8:0e15
sees "a printer that is well" \
  '.health == "ok" and .evidence == "protocolReply" and .identity.model == "KioskThermal" and .elapsed_ms < 1000'
sees "its cover" '.components[] | select(.name == "cover") | .state == "closed"'
play set receipt media-empty on
probe 1 escpos usb:04b8:0e15
sees "out of paper, with the printer's bytes" \
  "$codes == [\"media-empty\"] and (.conditions[0].vendor_code | test(\"EOT4=\"))"
play set receipt media-empty off
play bind receipt usblp
probe 4 escpos usb:04b8:0e15
sees "a kernel driver has it: no fault, nothing known" \
  '.evidence == "sharedBusy" and .device_state == "unknown" and .conditions == []'
probe 0 escpos 'usb:04b8:0e15?detach=true'
stage driver receipt
[ "$told" = usblp ] || fail "usblp was not put back"
play bind receipt
play mute receipt on
probe 1 escpos usb:04b8:0e15
sees "a silent printer" "$codes == [\"no-reply\"]"
play mute receipt off

play plug plain
probe 0 escpos usb:0483:5743
sees "one without real-time status, by its class" \
  '.health == "ok" and .identity.vendor == "Example" and .consumables[0].state == "unknown"'
play status plain 0x38
probe 1 escpos usb:0483:5743
sees "its paper is out" "$codes == [\"media-empty\"] and .conditions[0].vendor_code == \"PORT_STATUS=38\""
play status plain 0x10
probe 1 escpos usb:0483:5743
sees "it has an error" "$codes == [\"printer-error\"]"
echo "kioskctl probe: every USB device told as it was played"
