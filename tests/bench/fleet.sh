# Sourced by packaging/bench.sh: 5,000 kiosks on one collector that is killed in the middle and later ended and started
# again (tests/fleet/restart.sh). Two lines of JSON: the fleet's figures, and what is stored held against what was
# written. Fleet and collector share the machine's cores.
install "${kw_test_packages[@]}"
build release kiosk-collector kiosk-fleet
kiosks=5000 seconds=120
[[ " $* " != *" --quick "* ]] || { kiosks=1000 seconds=45; }
tests/fleet/restart.sh "$kw_root/build/release/bin" "$kiosks" "$seconds" 5
