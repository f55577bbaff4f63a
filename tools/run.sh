#!/bin/sh
# run.sh PROGRAM ARGUMENT … : starts a PC that can be seen, and says how. Without arguments it runs the built-in demo guest.
set -eu
program=$1
shift
[ $# -gt 0 ] || set -- -demo
echo "Look at the PC with a VNC viewer, for instance: xtigervncviewer 127.0.0.1:N, with the display number N that is printed below."
echo "Type 'quit' here, or press Ctrl-C, to switch it off; 'help' lists what else the monitor understands."
exec "$program" -vnc 127.0.0.1:0,to=99 -monitor stdio "$@"
