#!/usr/bin/env bash
# wine-run.sh PROGRAM.exe [ARGUMENT...]: runs it under Wine, in a Windows of its own in the program's build
# folder, never longer than KW_WINE_LIMIT seconds.
set -u
folder=$(cd "$(dirname "$1")" && pwd)
export WINEPREFIX=${WINEPREFIX:-${folder%/bin}/wine} WINEARCH=win64 WINEDEBUG=${WINEDEBUG:--all}
# What a new Windows would fetch or put into menus is not wanted.
export WINEDLLOVERRIDES="mscoree,mshtml=;winemenubuilder.exe=d"
unset DISPLAY
mkdir -p "$WINEPREFIX"
exec timeout --kill-after=5 "${KW_WINE_LIMIT:-300}" /usr/lib/wine/wine64 "$@" </dev/null
