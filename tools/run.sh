#!/usr/bin/env bash
# run.sh PROGRAM ARGUMENT … : starts a PC that can be seen, and says how. Without arguments it runs the built-in demo guest. On a desktop it has a window (WINDOW
# says that the program has one in it), or a VNC viewer is opened.
set -eu
program=$1
shift
[ $# -gt 0 ] || set -- -demo
if [ -n "${WINDOW:-}" ] && [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
	echo "A PC starts in a window. Ctrl-Alt-2 shows its monitor, Ctrl-Alt-1 its screen; a click gives it the mouse, Ctrl-Alt-G takes it back."
	exec "$program" -display sdl "$@"
fi
n=0
while [ $n -lt 99 ] && (exec 3<>"/dev/tcp/127.0.0.1/$((5900 + n))") 2>/dev/null; do n=$((n + 1)); done
echo "A PC starts on VNC display $n. Any VNC viewer shows it, for instance: xtigervncviewer 127.0.0.1:$n"
echo "Type 'quit' here, or press Ctrl-C, to switch it off; 'help' lists what else the monitor understands."
if [ -n "${DISPLAY:-}" ] && command -v xtigervncviewer >/dev/null; then
	(sleep 1; exec xtigervncviewer "127.0.0.1:$n" </dev/null >/dev/null 2>&1) &
fi
exec "$program" -vnc "127.0.0.1:$n" -monitor stdio "$@"
