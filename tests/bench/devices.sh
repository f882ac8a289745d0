# Sourced by packaging/bench.sh: what kiosk-devices costs when it plays 300 kiosks of 8 devices in one process (5
# receipt printers over TCP, 2 over pseudo-terminals, a laser printer): left alone, and every device polled every 5 s
# by the real drivers (poll_devices, a process of its own beside it on the same cores).
build release kiosk-devices bench_poll_devices
source tests/bench/bed.sh
kiosks=300 seconds=60
[[ " $* " != *" --quick "* ]] || seconds=15

{
  for i in 1 2 3 4 5; do
    printf '[[device]]\nname = "tcp-%d"\nprotocol = "escpos"\nport = "tcp://127.0.0.1:0"\nmodel = "epson"\n' $i
  done
  for i in 1 2; do
    printf '[[device]]\nname = "pty-%d"\nprotocol = "escpos"\nport = "pty:%s/{kiosk}/pty-%d"\nmodel = "epson"\n' $i "$folder/lines" $i
  done
  printf '[[device]]\nname = "laser"\nprotocol = "ipp"\nport = "ipp://127.0.0.1:0/ipp/print"\n'
} > "$folder/kiosk.toml"
began=$(date +%s.%N)
"$bin/kiosk-devices" run "$folder/kiosk.toml" --kiosks $kiosks > "$folder/devices.out" 2> "$folder/devices.log" &
pid=$!
pids+=("$pid")
all_played() { [ "$(grep -c '"port"' "$folder/devices.out")" = $((kiosks * 8)) ]; }
await 60 "$kiosks kiosks to play" all_played
started=$(awk -v a="$began" -v b="$(date +%s.%N)" 'BEGIN {printf "%.1f", b - a}')

share() { awk -v ns="$1" -v s="$2" 'BEGIN {printf "%.2f", ns / 1e9 / s * 100}'; }
before=$(cpu_ns "$pid")
sleep $seconds
idle=$(share $(($(cpu_ns "$pid") - before)) $seconds)
idle_pss=$(memory_kb "$pid" Pss)
before=$(cpu_ns "$pid") began=$(date +%s.%N)
polled=$("$bin/bench_poll_devices" 5 $seconds < "$folder/devices.out")
took=$(awk -v a="$began" -v b="$(date +%s.%N)" 'BEGIN {print b - a}')
busy=$(share $(($(cpu_ns "$pid") - before)) "$took")
echo "started in $started s; $(ls /proc/"$pid"/fd | wc -l) descriptors, $(ls /proc/"$pid"/task | wc -l) thread"
echo "idle: $idle % of a core, PSS $idle_pss KiB; polled: $busy % of a core, PSS $(memory_kb "$pid" Pss) KiB: $polled"
jq -nc --argjson kiosks $kiosks --argjson started "$started" --argjson idle "$idle" --argjson busy "$busy" \
  --argjson pss "$(memory_kb "$pid" Pss)" --argjson fds "$(ls /proc/"$pid"/fd | wc -l)" --argjson polled "$polled" \
  '{bench: "devices", kiosks: $kiosks, devices: ($kiosks * 8), started_s: $started, descriptors: $fds, pss_kib: $pss,
    idle_percent_of_a_core: $idle, polled_percent_of_a_core: $busy, polled: $polled}'
