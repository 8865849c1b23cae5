#!/usr/bin/env bash
# Runs the Windows program, and the tests of packages that need no C, under Wine (Debian: wine64), without a window. It
# stands in for no Windows machine: docs/packaging.md says what it shows.
#   usage: scripts/wine.sh [PACKAGE ...]    such as ./internal/exam; without, the program and all packages below
# Debian's Wine 8.0 lacks two things, which are put in their place in build/wine, and never in what is given to anyone:
#   - bcryptprimitives.dll, without which no Go program starts: a library of one function
#   - the newer way to delete files: Go's own way back for older systems is taken (go build -overlay)
set -euo pipefail
cd "$(dirname "$0")/.."
wine=/usr/lib/wine/wine64
for tool in "$wine" x86_64-w64-mingw32-gcc; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: run scripts/setup.sh wine" >&2; exit 1; }
done
here=$PWD/build/wine
mkdir -p "$here/tests"
export WINEPREFIX=$here/prefix WINEDEBUG=-all LC_ALL=C.UTF-8
unset DISPLAY WAYLAND_DISPLAY
if [ ! -e "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" ]; then
  timeout 300 "$wine" wineboot -i >/dev/null 2>&1
  cat >"$here/prng.c" <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(BYTE *p, SIZE_T n) {
  for (ULONG k; n; p += k, n -= k) {
    k = n > 65536 ? 65536 : (ULONG)n;
    if (!SystemFunction036(p, k)) return FALSE;
  }
  return TRUE;
}
C
  x86_64-w64-mingw32-gcc -shared -O2 -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" "$here/prng.c" -ladvapi32
fi
root=$(go env GOROOT)
sed 's|STATUS_NOT_SUPPORTED: |STATUS_NOT_SUPPORTED, NTStatus(0xC0000002): // STATUS_NOT_IMPLEMENTED |' \
  "$root/src/internal/syscall/windows/at_windows.go" >"$here/at_windows" # no .go, lest ./... finds a package
printf '{"Replace":{"%s":"%s"}}' "$root/src/internal/syscall/windows/at_windows.go" "$here/at_windows" >"$here/overlay.json"
export GOFLAGS="${GOFLAGS:-} -overlay=$here/overlay.json"
windows() { printf 'Z:%s' "${1//\//\\}"; } # a path as Windows programs see it
data=${BAYESLICE_TESTDATA:-../shared/data}
if [ -d "$data" ]; then BAYESLICE_TESTDATA=$(windows "$(cd "$data" && pwd -P)") && export BAYESLICE_TESTDATA; fi

failed=0
test_package() {
  local name=${1#./} exe
  exe=$here/tests/${name//\//_}.exe
  if ! CGO_ENABLED=0 GOOS=windows GOARCH=amd64 go test -c -o "$exe" "$1" >/dev/null; then failed=1; return; fi
  [ -e "$exe" ] || { echo "$1: no tests"; return; }
  local log=${exe%.exe}.log status=ok
  (cd "$1" && timeout 300 "$wine" "$(windows "$exe")" -test.v) >"$log" 2>&1 || { status=FAILED failed=1; }
  echo "$1: $status, $(grep -c '^--- PASS' "$log" || true) passed, $(grep -c '^--- FAIL' "$log" || true) failed, $(grep -c '^--- SKIP' "$log" || true) skipped"
  if [ $status != ok ]; then grep -E '^ +[a-z_0-9]+_test\.go:|^--- FAIL|^panic' "$log" | grep -v ': the shared test data' | head -20 || true; fi
}

# program runs the program on an exam whose folders have blanks, umlauts, Chinese and an apostrophe in their names, and paths
# with backslashes, both relative and of a drive.
program() {
  local version bin=$here/program work="$here/Prüfung d'été 前列腺"
  version=$(sed -n 's/^\tVersion = "\(.*\)"$/\1/p' internal/ort/fetch/fetch.go)
  mkdir -p "$bin"
  CGO_ENABLED=1 GOOS=windows GOARCH=amd64 CC=x86_64-w64-mingw32-gcc go build -trimpath -ldflags '-s -w' -tags migrated_fynedo -o "$bin/bayeslice.exe" .
  local package=$here/onnxruntime-node-$version.tgz
  [ -e "$package" ] || (cd "$here" && npm pack --silent --ignore-scripts "onnxruntime-node@$version" >/dev/null)
  rm -rf "$work"
  mkdir -p "$work"
  run() { (cd "$work" && timeout 500 "$wine" "$(windows "$bin/bayeslice.exe")" "$@"); }
  run version
  run --help >/dev/null
  run setup --tarball "$(windows "$package")"
  run version
  run demo --exam-only -o 'Übung\01'
  run infer 'Übung\01\exam' -o "$(windows "$work")\\Ergebnis é" --samples 4
  run infer 'Übung\01\exam' -o 'Ergebnis é' --samples 4 --overwrite
  chmod a-w "$work/Ergebnis é"/*/* # replaced all the same: the user asked for it, and may write in the folder
  run infer 'Übung\01\exam' -o 'Ergebnis é' --samples 4 --overwrite
  echo "the program: $(find "$work" -name '*.dcm' | wc -l) images and $(find "$work/Ergebnis é" -type f | wc -l) files of results written"
}

packages=("$@")
set +e # each failure counts, and the next is tried
if [ $# -eq 0 ]; then
  (set -e; program) || { echo "the program: FAILED"; failed=1; }
  packages=(./internal/{annotate,dicomweb,evaluate,exam,imageio,jsonfile,keymap,locale,machine,modelcard,phantom,prep,recent,report,resultfile,review,scratch,session,settings,syserr,worklist}
    ./internal/imageio/{codec,dicom,dicomout,metaimage,nifti,nrrd} ./internal/ort/fetch ./training/{cohort,dataset} ./viewer/viewstate
    ./viewer/viewstate/{edit,exporting,picking,queue,reading})
fi
for package in "${packages[@]}"; do test_package "$package"; done
exit $failed
