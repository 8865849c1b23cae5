#!/usr/bin/env bash
# Compares with the peers that are installed, and prints; nothing is written and nothing can fail by being slow.
#   sampling   the full-size network on ONNX Runtime, plain and after each rewriting, in turns with PyTorch eager
#              (python3 with torch: Debian's python3-torch); medians and the median ratio of neighbouring turns
#   training   one step of the full-size network, update included, in turns with PyTorch eager; medians, peak memory
#   update     AMSGrad in Go, one thread, in turns with PyTorch's, two threads; medians
#   drawing    OpenGL in turns with the CPU renderer, and scrolling of a real exam with and without the
#              window system (skipped without the shared test data): p50 and p95 of a frame
#   detection  FROC, AP and AUROC of 1,500 exams, and picai_eval's way with scikit-learn (Debian: python3-sklearn)
#   surfaces   distance transform and HD95 of 160 x 160 x 20 voxels, and SciPy's way (Debian: python3-scipy); fastest of nine
#   waiting    from an event of mouse or wheel to the changed pixel on the screen, idle and while networks sample
#   the rest   resampling, components, statistics, noise
# BENCHTIME=5x sets how often each is run. Use an idle machine: the load average is printed first and last.
set -euo pipefail
cd "$(dirname "$0")/.."
load() { [ -r /proc/loadavg ] && echo "load average: $(cut -d' ' -f1-3 /proc/loadavg), $(nproc) cores"; }
python3 -c 'import torch' 2>/dev/null || /usr/bin/python3 -c 'import torch' 2>/dev/null ||
  echo "PyTorch is not installed (Debian: python3-torch): sampling and training are timed without their peer."
export MESA_SHADER_CACHE_DISABLE=true
load
go test -run '^$' -bench Rewritings -benchtime "${BENCHTIME:-5x}" -timeout 60m ./internal/nets
go test -run '^$' -bench Step -benchtime "${BENCHTIME:-5x}" -timeout 60m ./training/step
go test -run '^$' -bench Update -benchtime "${BENCHTIME:-5x}" ./training/optim
go test -run '^$' -bench Render -benchtime 60x ./render
go test -tags migrated_fynedo -run '^$' -bench Scroll -benchtime 200x ./viewer
go test -tags migrated_fynedo -run '^$' -bench WindowScroll ./app
go test -tags migrated_fynedo -run '^$' -bench 'WindowInteraction|WindowStroke' -benchtime 1x ./app
go test -run '^$' -bench . -benchtime "${BENCHTIME:-5x}" ./internal/volume
go test -run '^$' -bench 'Detection|Bootstrap|Surfaces' -benchtime "${BENCHTIME:-5x}" ./internal/metrics
go test -run '^$' -bench 'Stats|Noise' -benchtime "${BENCHTIME:-5x}" ./inference
load
