# Sourced by the benches of the agent: a folder, processes that end with the bench, a collector, figures.
bin=$kw_root/build/release/bin
export LC_ALL=C.UTF-8
folder=$(mktemp -d)
pids=()
stop() {
  trap - EXIT INT TERM
  local pid
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT TERM

fail() {
  echo "bench: $*" >&2
  tail -n 5 "$folder"/*.log >&2 || true
  exit 1
}

await() {
  local until=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ $SECONDS -lt $until ] || fail "not within the time: $what"
    sleep 0.2
  done
}

# own_copy PROGRAM NAME: a stripped copy with all its libraries; sets `command` to run it.
own_copy() {
  local to=$folder/$2
  mkdir -p "$to"
  cp "$1" "$to/$2"
  strip "$to/$2"
  ldd "$1" | grep -o '/[^ ]*' | xargs -I{} cp -L {} "$to/"
  command=("$to/$(basename "$(ldd "$1" | grep -o '/[^ ]*/ld-linux[^ ]*')")" --library-path "$to" "$to/$2")
}

# start_collector TERMINAL: a collector, and an identity for that terminal in $folder/agent.
start_collector() {
  "$bin/kiosk-collector" init --data "$folder/collector" > /dev/null
  "$bin/kiosk-collector" run --data "$folder/collector" --agents 127.0.0.1:0 --people 127.0.0.1:0 \
    > "$folder/collector.out" 2> "$folder/collector.log" &
  pids+=($!)
  await 20 "the collector to start" grep -qs 'is ready' "$folder/collector.out"
  local agents
  agents=$(sed -n 's/.*kiosks \([^,]*\),.*/\1/p' "$folder/collector.out")
  "$bin/kiosk-agent" enroll --data "$folder/agent" --server "https://$agents" --token \
    "$("$bin/kiosk-collector" token new --data "$folder/collector" --terminal "$1")" > /dev/null
}

processes_of() { echo "$1" $(pgrep -P "$1"); }
cpu_ns() { for p in $(processes_of "$1"); do cat /proc/"$p"/task/*/schedstat; done | awk '{n += $1} END {printf "%d", n}'; }
memory_kb() { # PID FIELD
  for p in $(processes_of "$1"); do cat "/proc/$p/smaps_rollup"; done | awk -v f="$2:" '$1 == f {n += $2} END {print n}'
}
per_hour() { awk -v ns="$1" -v s="$2" 'BEGIN {printf "%.2f", ns / 1e9 / s * 3600}'; }
per_hour_of() { for v in "$@"; do echo "$v"; done | sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
