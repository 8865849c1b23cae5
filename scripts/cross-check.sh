#!/usr/bin/env bash
# Checks that the program compiles for the systems that it is made for. Nothing is run: docs/packaging.md says what that
# leaves open.
#   windows/amd64   compiled and linked whole, with mingw-w64 (Debian: gcc-mingw-w64-x86-64), into build/cross/bayeslice.exe
#   others          type-checked with the files that the build constraints choose there (scripts/typecheck), and the packages
#                   that need no C compiled
set -euo pipefail
cd "$(dirname "$0")/.."
for target in darwin/arm64 darwin/amd64 linux/arm64 windows/amd64 windows/arm64; do
  go run ./scripts/typecheck "$target" migrated_fynedo
done
for target in darwin/arm64 windows/amd64; do
  export GOOS=${target%/*} GOARCH=${target#*/} CGO_ENABLED=0
  # Packages of which everything compiles without C: none of these is among what they import.
  packages=$(go list -e -tags migrated_fynedo -f '{{if .GoFiles}}{{.ImportPath}}: {{join .Deps " "}} {{end}}' ./... |
    grep -vE ' (github.com/yalue/onnxruntime_go|github.com/go-gl/[^ ]*|fyne.io/[^ ]*|github.com/sqweek/dialog) ' | grep . | cut -d: -f1)
  go build $packages
  echo "$target: $(wc -w <<<"$packages") packages compiled without C"
done
unset GOOS GOARCH CGO_ENABLED
if ! command -v x86_64-w64-mingw32-gcc >/dev/null; then
  echo "windows/amd64: not linked, since mingw-w64 is not installed (Debian: gcc-mingw-w64-x86-64)"
  exit 0
fi
mkdir -p build/cross
CGO_ENABLED=1 GOOS=windows GOARCH=amd64 CC=x86_64-w64-mingw32-gcc \
  go build -trimpath -ldflags '-s -w' -tags migrated_fynedo -o build/cross/bayeslice.exe .
echo "windows/amd64: linked, $(du -h build/cross/bayeslice.exe | cut -f1); it needs $(x86_64-w64-mingw32-objdump -p build/cross/bayeslice.exe | sed -n 's/^\tDLL Name: //p' | sort -fu | tr '\n' ' ')"
