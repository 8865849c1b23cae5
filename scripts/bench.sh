#!/usr/bin/env bash
# Compares with the peers that a user might take instead, and prints one table of ratios; nothing is written. It takes less
# than ten minutes on two cores.
# Rows whose peer is missing say "peer not installed", and have no figure of it.
#   PyTorch eager    a sample and a training step of the full-size network, an update of AMSGrad (python3-torch)
#   dcm2niix         reading a real exam, every series; pydicom too (skipped without the shared test data)
#   GDCM             the same exam compressed as RLE, JPEG-LS and JPEG 2000
#   nibabel          reading and writing .nii.gz; SimpleITK: the same, .mha, and resampling
#   SciPy            distance transform, HD95, resampling; scikit-learn: FROC, AP and AUROC, picai_eval's way; picai_eval
#   CPU renderer     OpenGL, which may be software here
# With "all" as its argument it prints in addition what has no peer: each rewriting of the network by itself, the window,
# resampling, components, statistics, noise.
# BENCHTIME=5x sets how many turns each takes; a training step takes two. Use an idle machine: the load average is printed
# first and last.
set -euo pipefail
cd "$(dirname "$0")/.."
export MESA_SHADER_CACHE_DISABLE=true
load() { if [ -r /proc/loadavg ]; then echo "load average: $(cut -d' ' -f1-3 /proc/loadavg), $(nproc) cores"; fi; }
turns=${BENCHTIME:-3x}
# One package after another, so that none disturbs the next.
bench() { echo "== $2"; go test -run '^$' -bench "$1" -benchtime "${3:-$turns}" -timeout 10m "$2" 2>&1; }
peers() {
  load
  bench 'Reading$' ./internal/exam 25x
  bench 'Decoding$' ./internal/exam 5x
  bench 'Files$' ./internal/imageio 9x
  bench 'Spline$' ./internal/volume 9x
  bench 'Surfaces$' ./internal/metrics 9x
  bench 'Detection$' ./internal/metrics 9x
  bench 'Renderers$' ./render 60x
  bench 'Update$' ./training/optim 7x
  bench 'Sampling$' ./internal/nets
  bench 'Step$' ./training/step 2x
  load
}
peers | go run ./scripts/benchtable
[ "${1:-}" = all ] || exit 0
go test -run '^$' -bench Rewritings -benchtime "$turns" -timeout 60m ./internal/nets
go test -run '^$' -bench 'Render$' -benchtime 60x ./render
go test -tags migrated_fynedo -run '^$' -bench Scroll -benchtime 200x ./viewer
go test -tags migrated_fynedo -run '^$' -bench WindowScroll ./app
go test -tags migrated_fynedo -run '^$' -bench 'WindowInteraction|WindowStroke|WindowBeat' -benchtime 1x ./app
go test -run '^$' -bench 'Resample|Components|Distance' -benchtime "$turns" ./internal/volume
go test -run '^$' -bench Bootstrap -benchtime "$turns" ./internal/metrics
go test -run '^$' -bench 'Stats|Noise' -benchtime "$turns" ./inference
load
