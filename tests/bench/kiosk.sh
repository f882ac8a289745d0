# Sourced by packaging/bench.sh: a full kiosk of 15 devices polled every 5 s, and whether one device's fault delays
# another's poll (the agent has a thread a port; nothing may be shared that one of them can hold).
#
# The devices are those of drivers/simulators/kiosk.toml without their time lines, the host, and receipt printers up
# to 15. kiosk-devices says when it asked each of them. Three spans: all well; one TCP printer hears and never
# answers; the host's driver hangs in a system call (its /proc/stat is a pipe that nobody writes to) until it counts as
# stuck, and is let go at the end. An interval is drawn within a tenth around 5 s: what is past 5.5 s is late.
install binutils
build release kiosk-agent kiosk-collector kiosk-devices kioskctl
source tests/bench/bed.sh
span=120 settle=75
[[ " $* " != *" --quick "* ]] || span=45 settle=70

# ---- the kiosk --------------------------------------------------------------------------------------
devices=15
# The time lines are left out: a section ends where the next begins.
awk '/^\[/ {step = ($0 ~ /^\[\[device\.step\]\]/)} !step' drivers/simulators/kiosk.toml |
  sed "s|:/tmp/kiosk-devices|:$folder/lines|; s|://127.0.0.1:[0-9]*|://127.0.0.1:0|" > "$folder/devices.toml"
for i in $(seq "$(grep -c '^\[\[device\]\]' "$folder/devices.toml")" $((devices - 2))); do
  port="tcp://127.0.0.1:0"
  [ $((i % 3)) != 0 ] || port="pty:$folder/lines/more-$i"
  printf '[[device]]\nname = "more-%d"\nprotocol = "escpos"\nport = "%s"\nmodel = "epson"\n' "$i" "$port"
done >> "$folder/devices.toml"
"$bin/kiosk-devices" run "$folder/devices.toml" --asked --control "$folder/control" \
  > "$folder/devices.out" 2> "$folder/devices.log" &
devices_pid=$!
pids+=("$devices_pid")
all_played() { [ "$(grep -c '"port"' "$folder/devices.out")" = $((devices - 1)) ]; }
await 10 "kiosk-devices to start" all_played

start_collector BENCH-K
proc=$folder/host/proc
mkdir -p "$proc"
cp /proc/stat /proc/meminfo "$proc"
{
  printf '[[device]]\nname = "host"\ndriver = "host"\nport = "-"\npoll_ms = 5000\n[device.settings]\nroot = "%s"\n' "$folder/host"
  jq -r 'select(.port) | "[[device]]\nname = \"\(.device)\"\ndriver = \"\(.protocol)\"\nport = \"\(.port)\"\npoll_ms = 5000"' \
    "$folder/devices.out"
} > "$folder/agent.toml"
kinds=$(grep '^driver' "$folder/agent.toml" | sort | uniq -c | awk '{gsub(/"/, "", $4); printf "%s%s %s", (NR > 1 ? ", " : ""), $1, $4}')
own_copy "$bin/kiosk-agent" kiosk-agent
"${command[@]}" run --data "$folder/agent" --config "$folder/agent.toml" 2> "$folder/agent.log" &
agent_pid=$!
pids+=("$agent_pid")
# Its exit code is 1 as soon as one device is at fault.
answer() { "$bin/kioskctl" --data "$folder/agent" devices --json 2> /dev/null || true; }
kiosk_speaks() {
  answer | jq -e "[.devices[]? | select(.evidence != \"none\")] | length == $devices" > /dev/null &&
    "$bin/kioskctl" --data "$folder/agent" status --json | jq -e '.uplink.connected' > /dev/null
}
await 60 "$devices devices that answer and a connected agent" kiosk_speaks

# ---- spans ------------------------------------------------------------------------------------------
now_us() { date +%s%6N; }
# intervals FROM TO EXCEPT: how late the devices but EXCEPT were asked, as a JSON object. What is still running at the
# span's end counts as it is.
intervals() {
  jq -c --argjson from "$1" --argjson to "$2" --arg except "$3" \
    'select(.asked and .device != $except and .at_us >= $from and .at_us <= $to)' "$folder/devices.out" |
    jq -sc --argjson to "$2" '
      group_by(.device) |
      [.[] | [.[].at_us] | . as $at | ([range(1; length) | $at[.] - $at[. - 1]] +
        (if $to - $at[-1] > 5500000 then [$to - $at[-1]] else [] end))] as $each |
      ($each | add | sort) as $all |
      {devices: length, intervals: ($all | length),
       median_ms: ($all[($all | length) / 2 | floor] / 1000 | round),
       p99_ms: ($all[(($all | length) - 1) * 0.99 | floor] / 1000 | round), max_ms: ($all[-1] / 1000 | round),
       p99_late_ms: ([$all[(($all | length) - 1) * 0.99 | floor] - 5500000, 0] | max / 1000 | round)}'
}
tell() { echo "$1: $(echo "$2" | jq -r '"\(.devices) devices asked, \(.intervals) intervals: median \(.median_ms) ms, p99 \(.p99_ms) ms, longest \(.max_ms) ms"')"; }

sleep $settle
from=$(now_us) cpu=$(cpu_ns "$agent_pid") players=$(cpu_ns "$devices_pid")
sleep $span
to=$(now_us)
took=$(awk -v us=$((to - from)) 'BEGIN {print us / 1e6}')
agent_cpu=$(per_hour $(($(cpu_ns "$agent_pid") - cpu)) "$took")
players_cpu=$(per_hour $(($(cpu_ns "$devices_pid") - players)) "$took")
pss=$(memory_kb "$agent_pid" Pss)
well=$(intervals "$from" "$to" none)
echo "$devices devices: $kinds"
echo "kiosk-agent: $agent_cpu CPU s/h, PSS $pss KiB ($(memory_kb "$agent_pid" Pss_Anon) anonymous), $(ls /proc/"$agent_pid"/task | wc -l) threads; kiosk-devices: $players_cpu CPU s/h"
tell "all well" "$well"

silent=$(jq -r 'select(.port) | select(.port | startswith("tcp:")) | .device' "$folder/devices.out" | head -n 1)
"$bin/kiosk-devices" set --control "$folder/control" "$silent" silence on > /dev/null
from=$(now_us)
sleep $span
with_silent=$(intervals "$from" "$(now_us)" "$silent")
tell "$silent never answers" "$with_silent"
answer | jq -e --arg d "$silent" '.devices[] | select(.name == $d) | .conditions | any(.code == "no-reply")' > /dev/null ||
  fail "$silent was not found to be silent"
"$bin/kiosk-devices" set --control "$folder/control" "$silent" silence off > /dev/null

mv "$proc/stat" "$folder/stat"
mkfifo "$proc/stat"
from=$(now_us)
is_stuck() { answer | jq -e '.devices[] | select(.name == "host") | .conditions | any(.code == "driver-stuck")' > /dev/null; }
await 60 "the host's driver to count as stuck" is_stuck
sleep $span
with_stuck=$(intervals "$from" "$(now_us)" host)
is_stuck || fail "the host's driver was let go by itself"
tell "the host's driver hangs" "$with_stuck"
mv "$proc/stat" "$folder/pipe" # whoever waits for it goes on waiting
mv "$folder/stat" "$proc/stat"
: > "$folder/pipe" # ends that wait
host_well() { answer | jq -e '.devices[] | select(.name == "host") | .evidence != "none" and (.conditions | all(.code != "driver-stuck"))' > /dev/null; }
await 60 "the host to be well again" host_well
echo "the host's driver was let go and answers again"

jq -nc --argjson devices $devices --argjson span $span --arg kinds "$kinds" --argjson cpu "$agent_cpu" --argjson pss "$pss" \
  --argjson players "$players_cpu" --argjson well "$well" --argjson silent "$with_silent" --argjson stuck "$with_stuck" \
  '{bench: "kiosk", devices: $devices, kinds: $kinds, seconds: $span,
    agent: {cpu_s_per_hour: $cpu, pss_kib: $pss}, kiosk_devices: {cpu_s_per_hour: $players},
    well: $well, one_silent: $silent, one_stuck: $stuck}'
