# Sourced by packaging/bench.sh: what a full kiosk costs (goal P1), kiosk-agent beside zabbix_agentd.
#
# 15 devices (this host, 10 receipt printers over TCP, 4 over serial lines; kiosk-devices plays them),
# polled every 5 s, the agent connected to a real collector over mutual TLS. zabbix_agentd with its
# default 3 listeners is asked for 10 items every 5 s over loopback. Both run at the same time and are
# looked at over the same windows. Each runs a private copy of its program and libraries, so that PSS
# counts all of it as if nothing else on the machine used the same; processes of one program still
# share among themselves. CPU is the scheduler's run time of all threads.
install zabbix-agent binutils
build release kiosk-agent kiosk-collector kiosk-devices kioskctl
source tests/bench/bed.sh
windows=3 seconds=120
[[ " $* " != *" --quick "* ]] || seconds=20

# ---- the kiosk --------------------------------------------------------------------------------------
for i in $(seq 0 13); do
  port="tcp://127.0.0.1:0"
  [ "$i" -lt 10 ] || port="pty:$folder/tty$i"
  printf '[[device]]\nname = "printer-%d"\nprotocol = "escpos"\nport = "%s"\nmodel = "epson"\n' "$i" "$port"
done > "$folder/devices.toml"
"$bin/kiosk-devices" run "$folder/devices.toml" > "$folder/devices.out" 2> "$folder/devices.log" &
pids+=($!)
all_played() { [ "$(grep -c '"port"' "$folder/devices.out")" = 14 ]; }
await 10 "kiosk-devices to start" all_played

start_collector BENCH-1

{
  printf '[[device]]\nname = "host"\ndriver = "host"\nport = "-"\npoll_ms = 5000\n'
  jq -r 'select(.port) | "[[device]]\nname = \"\(.device)\"\ndriver = \"escpos\"\nport = \"\(.port)\"\npoll_ms = 5000\n[device.settings]\nmodel = \"epson\""' \
    "$folder/devices.out" | sed 's|"pty:|"serial:|'
} > "$folder/agent.toml"
own_copy "$bin/kiosk-agent" kiosk-agent
exe_bytes=$(stat -c %s "$folder/kiosk-agent/kiosk-agent")
"${command[@]}" run --data "$folder/agent" --config "$folder/agent.toml" 2> "$folder/agent.log" &
agent_pid=$!
pids+=("$agent_pid")
kiosk_well() {
  "$bin/kioskctl" --data "$folder/agent" devices --json 2>/dev/null |
    jq -e '[.devices[]? | select(.health == "ok")] | length >= 14' > /dev/null &&
    "$bin/kioskctl" --data "$folder/agent" status --json | jq -e '.uplink.connected' > /dev/null
}
await 30 "15 devices and a connected agent" kiosk_well

# ---- the reference ----------------------------------------------------------------------------------
items=(agent.ping 'system.cpu.load[all,avg1]' 'system.cpu.util[,idle]' 'vm.memory.size[available]'
  'vfs.fs.size[/,pused]' 'vfs.fs.inode[/,pfree]' system.uptime 'system.swap.size[,pfree]'
  'net.if.in[lo]' 'net.if.out[lo]')
zabbix_port=$((20000 + RANDOM % 20000))
cat > "$folder/zabbix.conf" <<CONF
PidFile=$folder/zabbix.pid
LogType=console
Server=127.0.0.1
ListenIP=127.0.0.1
ListenPort=$zabbix_port
Hostname=bench
AllowRoot=1
User=$(id -un)
CONF
own_copy "$(command -v zabbix_agentd || echo /usr/sbin/zabbix_agentd)" zabbix_agentd
"${command[@]}" -f -c "$folder/zabbix.conf" > "$folder/zabbix.log" 2>&1 &
zabbix_pid=$!
pids+=("$zabbix_pid")
ask() {
  exec 3<> "/dev/tcp/127.0.0.1/$zabbix_port" || return 1
  printf 'ZBXD\1%b\0\0\0\0\0\0\0%s' "\\x$(printf %02x ${#1})" "$1" >&3
  tail -c +14 <&3 | tr -d '\0'
  exec 3>&-
}
answers() { [ "$(ask agent.ping 2>/dev/null)" = 1 ]; }
await 10 "zabbix_agentd to answer" answers
for item in "${items[@]}"; do
  [[ "$(ask "$item")" =~ ^[0-9.]+$ ]] || fail "zabbix_agentd does not answer $item"
done
while sleep 5; do
  for item in "${items[@]}"; do ask "$item" > /dev/null || true; done
done &
pids+=($!)

# ---- figures ----------------------------------------------------------------------------------------

sleep 75 # what starting costs is not what running costs; it is given back after a minute
agent_cpu=() zabbix_cpu=()
for round in $(seq $windows); do
  began=$(date +%s.%N) a=$(cpu_ns "$agent_pid") z=$(cpu_ns "$zabbix_pid")
  sleep $((seconds / windows))
  took=$(awk -v a="$began" -v b="$(date +%s.%N)" 'BEGIN {print b - a}')
  agent_cpu+=("$(per_hour $(($(cpu_ns "$agent_pid") - a)) "$took")")
  zabbix_cpu+=("$(per_hour $(($(cpu_ns "$zabbix_pid") - z)) "$took")")
  echo "round $round ($((seconds / windows)) s): kiosk-agent ${agent_cpu[-1]} CPU s/h," \
    "PSS $(memory_kb "$agent_pid" Pss) KiB; zabbix_agentd ${zabbix_cpu[-1]} CPU s/h," \
    "PSS $(memory_kb "$zabbix_pid" Pss) KiB"
done
echo "devices: host, 10 escpos over TCP, 4 escpos over pseudo-terminals; polled every 5 s"
echo "kiosk-agent PSS: $(memory_kb "$agent_pid" Pss_Anon) KiB anonymous, $(memory_kb "$agent_pid" Pss_File) KiB of files," \
  "$(ls /proc/"$agent_pid"/task | wc -l) threads; stripped program $exe_bytes bytes"
echo "zabbix_agentd: $(processes_of "$zabbix_pid" | wc -w) processes, ${#items[@]} items every 5 s: ${items[*]}"
jq -nc --argjson agent_pss "$(memory_kb "$agent_pid" Pss)" --argjson anon "$(memory_kb "$agent_pid" Pss_Anon)" \
  --argjson zabbix_pss "$(memory_kb "$zabbix_pid" Pss)" \
  --argjson agent_cpu "$(per_hour_of "${agent_cpu[@]}")" --argjson zabbix_cpu "$(per_hour_of "${zabbix_cpu[@]}")" \
  --argjson exe "$exe_bytes" --argjson seconds "$seconds" \
  '{bench: "agent", devices: 15, seconds: $seconds,
    agent: {pss_kib: $agent_pss, pss_anonymous_kib: $anon, cpu_s_per_hour: $agent_cpu, program_bytes: $exe},
    zabbix_agentd: {pss_kib: $zabbix_pss, cpu_s_per_hour: $zabbix_cpu},
    pss_ratio: ($agent_pss / $zabbix_pss * 100 | round / 100),
    cpu_ratio: ($agent_cpu / $zabbix_cpu * 100 | round / 100)}'
