#!/usr/bin/env bash
# The Debian packages on a bare root file system. No systemd runs in tests: supervisor.py does what the units say, and
# systemd-analyze judges their sandbox.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
# A root file system of its own is made by root; who may install packages (setup.sh) may that too.
if [ "$(id -u)" -ne 0 ]; then
  exec sudo -n --preserve-env=CI "$here/${0##*/}" "$@"
fi
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT

for unit in agent/kiosk-agent collector/kiosk-collector collector/kiosk-collector-backup collector/kiosk-collector-restore-test; do
  # 20 of 100: systemd-analyze's 2.0.
  systemd-analyze security --offline=true --no-pager --threshold=20 "$project/packaging/linux/$unit.service" > "$work/security" \
    || { cat "$work/security" >&2; exit 1; }
  tail -n 1 "$work/security"
done

"$project/packaging/deb.sh" "$work/first"
"$project/packaging/deb.sh" "$work/second" -D CPACK_PACKAGE_VERSION=99.0.0 > /dev/null

# The bare system is fetched once and kept; from the machine's own package source.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kioskwatch
base=$cache/bookworm-minbase.tar
if [ ! -f "$base" ]; then
  source_of_packages=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -n 1)
  mkdir -p "$cache"
  debootstrap --variant=minbase --include=adduser,init-system-helpers bookworm "$work/base" "$source_of_packages" > "$work/debootstrap.log" 2>&1 \
    || { tail -n 20 "$work/debootstrap.log" >&2; exit 1; }
  tar -C "$work/base" -cf "$base.new.$$" .
  mv "$base.new.$$" "$base"
  rm -rf "$work/base"
fi
mkdir "$work/root"
tar -C "$work/root" -xf "$base"

unshare --mount --net --pid --fork --kill-child bash -euo pipefail -c '
  mount --make-rprivate /
  mount -t proc proc /proc
  mount -t proc proc "$2/proc"
  ip link set lo up
  PYTHONDONTWRITEBYTECODE=1 python3 "$1/inside.py" "$2" "$3" "$4"
' packages "$here" "$work/root" "$work/first" "$work/second"
