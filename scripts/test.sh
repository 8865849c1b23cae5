#!/usr/bin/env bash
# Runs the tests, the window's under Xvfb where no display is. Arguments go to `go test`.
# With -race only the packages in which goroutines meet are tested: the detector makes the rest ten times slower.
set -euo pipefail
cd "$(dirname "$0")/.."
export MESA_SHADER_CACHE_DISABLE=true
packages=(./...)
if [ "${1:-}" = -race ]; then
  packages=(./inference/... ./render/... ./viewer/... ./internal/ort/... ./internal/exam/... ./internal/volume/... ./training/trainer/...
    ./internal/annotate ./internal/worklist/... ./internal/resultfile)
fi
run=(go test -tags migrated_fynedo -count=1 -timeout 30m -json "$@" "${packages[@]}")
if [ -z "${DISPLAY:-}" ] && command -v xvfb-run >/dev/null; then
  run=(xvfb-run -a -s "-screen 0 1920x1200x24" "${run[@]}")
fi
"${run[@]}" | go run ./scripts/testsummary
