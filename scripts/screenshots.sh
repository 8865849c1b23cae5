#!/usr/bin/env bash
# Draws the pictures of the documentation anew, from the phantom alone: the window under Xvfb, and the demo's panel.
set -euo pipefail
cd "$(dirname "$0")/.."
BAYESLICE_SCREENSHOT="$PWD/docs/screenshot-phantom.png" \
  go test -tags migrated_fynedo -count=1 -run '^TestWindowUnderXvfb$' ./app
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
build/bayeslice demo -o "$folder/demo"
cp "$folder/demo/anatomy/panel.png" docs/panel-anatomy.png
