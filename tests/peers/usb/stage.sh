# Sourced by the scripts that usb-stage runs: how to speak to it, and to kioskctl.
set -euo pipefail
: "${KW_STAGE_ASK:?to be run by usb-stage}"
for program in jq; do
  command -v "$program" > /dev/null || { echo "$program is missing: packaging/test.sh installs it" >&2; exit 1; }
done
folder=$(mktemp -d)
export HOME=$folder LC_ALL=C.UTF-8
children=()
end() {
  trap - EXIT
  for pid in "${children[@]}"; do
    kill "$pid" 2> /dev/null || true
    wait "$pid" 2> /dev/null || true
  done
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

# stage COMMAND...: says it, and leaves the answer in $told.
stage() {
  echo "$*" >&"$KW_STAGE_ASK"
  read -r told <&"$KW_STAGE_TELL"
}
# play COMMAND...: what must succeed.
play() {
  stage "$@"
  [ "$told" = ok ] || fail "usb-stage $*: $told"
}

# sees WHAT FILTER: the last answer fits.
sees() { jq -e "$2" "$folder/answer" > /dev/null || fail "$1"; }

# await WHAT COMMAND...: other processes can only be asked again and again.
await() {
  local until=$((SECONDS + 20)) what=$1
  shift
  until "$@"; do
    [ $SECONDS -lt $until ] || fail "not within 20 s: $what"
    sleep 0.05
  done
}
