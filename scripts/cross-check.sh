#!/usr/bin/env bash
# Checks that the program and its tests compile for the systems that it is made for. Nothing is run: docs/packaging.md says
# what that leaves open, and scripts/wine.sh tries the Windows program.
#   others          type-checked, tests too, with the files that the build constraints choose there (scripts/typecheck); the
#                   packages of which neither program nor tests need C are compiled, and vetted with their tests
#   windows/amd64   with mingw-w64 (Debian: gcc-mingw-w64-x86-64) all packages and tests are compiled and vetted, and the
#                   program is linked, into build/cross/bayeslice.exe
set -euo pipefail
cd "$(dirname "$0")/.."
for target in darwin/arm64 darwin/amd64 linux/arm64 windows/amd64 windows/arm64; do
  go run ./scripts/typecheck "$target" migrated_fynedo
done
# Packages of which everything compiles without C: none of these is among what they and their tests import.
needs_c='github.com/yalue/onnxruntime_go|github.com/go-gl/[^ ]*|fyne.io/[^ ]*|github.com/sqweek/dialog'
for target in darwin/arm64 windows/amd64; do
  export GOOS=${target%/*} GOARCH=${target#*/} CGO_ENABLED=0
  # A line for each package, and for each program of tests (PATH.test), with all that it imports.
  lists=$(go list -e -test -tags migrated_fynedo -f '{{if or .GoFiles .ForTest}}{{.ImportPath}}: {{join .Deps " "}} {{end}}' ./... | grep -E '^[^ ]+: ')
  without_c() { grep -vE " ($needs_c) " <<<"$1" | cut -d: -f1; }
  packages=$(without_c "$(grep -vE '^[^ ]+\.test: ' <<<"$lists")")
  go build $packages
  echo "$target: $(wc -w <<<"$packages") packages compiled without C"
  with_c_tests=$(grep -E '^[^ ]+\.test: ' <<<"$lists" | grep -E " ($needs_c) " | sed 's/\.test: .*//')
  vetted=$(grep -vxF "${with_c_tests:-none}" <<<"$packages")
  go vet -tags migrated_fynedo $vetted
  echo "$target: $(wc -w <<<"$vetted") of them vetted with their tests"
done
unset GOOS GOARCH CGO_ENABLED
if ! command -v x86_64-w64-mingw32-gcc >/dev/null; then
  echo "windows/amd64: not linked, since mingw-w64 is not installed (Debian: gcc-mingw-w64-x86-64)"
  exit 0
fi
export CGO_ENABLED=1 GOOS=windows GOARCH=amd64 CC=x86_64-w64-mingw32-gcc
mkdir -p build/cross
go build -trimpath -ldflags '-s -w' -tags migrated_fynedo -o build/cross/bayeslice.exe .
echo "windows/amd64: linked, $(du -h build/cross/bayeslice.exe | cut -f1); it needs $(x86_64-w64-mingw32-objdump -p build/cross/bayeslice.exe | sed -n 's/^\tDLL Name: //p' | sort -fu | tr '\n' ' ')"
go vet -trimpath -tags migrated_fynedo ./...
echo "windows/amd64: all packages compiled with C, and vetted with their tests"
