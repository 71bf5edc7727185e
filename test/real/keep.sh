#!/bin/bash
# Runs a command as long as standard input stays open, so that nothing outlives the test that started it, however the test
# ends. With --remove DIR: no command, but the directory is gone at the end.
#
#   keep.sh COMMAND ARGUMENT...
#   keep.sh --remove DIR
exec 3<&0

if [ "$1" = --remove ]; then
  cat <&3 >/dev/null
  # Whoever writes into it is being killed by keepers of their own at this moment.
  for _ in 1 2 3 4 5; do
    rm -rf -- "$2" 2>/dev/null && [ ! -e "$2" ] && exit 0
    sleep 1
  done
  exit 1
fi

"$@" </dev/null 3<&- >&2 &
command=$!
cat <&3 >/dev/null &
reader=$!
exec 3<&-
wait -n "$command" "$reader"
status=$?
kill -9 "$command" 2>/dev/null
kill "$reader" 2>/dev/null
wait 2>/dev/null
exit "$status"
