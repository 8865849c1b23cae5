#!/bin/bash
# Stands for an element: element.sh FOLDER STEPS --index N. Each step adds a line to FOLDER/N.steps, and the last makes
# FOLDER/N.done of them. It goes on where it was, keeps what it has on SIGTERM, and ends with 1 where FOLDER/N.broken is. While
# FOLDER/hold is there, it stops at the fifth step.
stop=
trap 'stop=1' TERM
cd -- "$1" || exit 2
index=$4
[ -e "$index.done" ] && exit 0
[ -e "$index.broken" ] && { echo "no data for element $index"; exit 1; }
for ((step = $(cat "$index.steps" 2>/dev/null | wc -l); step < $2; step++)); do
	while [ -z "$stop" ] && { sleep 0.1; [ "$step" -ge 5 ] && [ -e hold ]; }; do :; done
	[ -n "$stop" ] && exit 130
	printf '%s\n' "element $index step $step" >>"$index.steps"
done
cp "$index.steps" "$index.part" && mv "$index.part" "$index.done"
