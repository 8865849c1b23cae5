#!/usr/bin/env bash
# Installs what Bayeslice needs to be built, tested and run on Debian or Ubuntu, and says what it installs.
# usage: scripts/setup.sh [build|test|dist|cross|wine]
#   build  compiler, X11 and OpenGL headers for the window; GTK 3 for the native file dialog; ONNX Runtime
#   test   the above, and Xvfb, Mesa, xdotool and ImageMagick for the tests of the window; Ghostscript, which reads the reports;
#          Slurm and munge, to which the tests submit studies; dicom3tools, pydicom and Orthanc, which judge DICOM that is written;
#          strace and xprop, which watch what the program connects to and tells of its window; libvulkan1 and chromium-common, whose
#          SwiftShader is a graphics card in software: the tests of WebGPU run on it (Chromium itself is not installed)
#   dist   that of build, and what makes packages, checks and tries them: dpkg-dev, lintian, desktop-file-utils, appstream,
#          debootstrap, Xvfb and xdotool
#   cross  that of build, and mingw-w64, which compiles for Windows
#   wine   that of cross, and Wine, which runs what was compiled
# Nothing is installed that is there already. Other systems: the lists below name what to install by hand.
set -euo pipefail
cd "$(dirname "$0")/.."

build_packages=(gcc libc6-dev pkg-config libgl-dev libxcursor-dev libxrandr-dev libxinerama-dev libxi-dev libxxf86vm-dev libegl1 libgtk-3-dev)
test_packages=(libgl1-mesa-dri xvfb xauth xdotool imagemagick ghostscript slurm-wlm munge strace x11-utils dicom3tools python3-pydicom python3-numpy orthanc orthanc-dicomweb libvulkan1 chromium-common)

dist_packages=(dpkg-dev lintian desktop-file-utils appstream debootstrap xvfb xauth xdotool)
cross_packages=(gcc-mingw-w64-x86-64)

wanted=("${build_packages[@]}")
case "${1:-build}" in
  test) wanted+=("${test_packages[@]}") ;;
  dist) wanted+=("${dist_packages[@]}") ;;
  cross) wanted+=("${cross_packages[@]}") ;;
  wine) wanted+=("${cross_packages[@]}" wine64) ;;
esac
command -v npm >/dev/null || wanted+=(npm)

if ! command -v go >/dev/null; then
  echo "Bayeslice needs Go 1.26 or newer (any Go from 1.21 on fetches it by itself): install it from your system's packages or go.dev, then run this again." >&2
  exit 1
fi

missing=()
if command -v dpkg-query >/dev/null; then
  for package in "${wanted[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  # npm may be there without the Debian package.
  if command -v npm >/dev/null; then missing=("${missing[@]/#npm}"); fi
  missing=($(printf '%s\n' "${missing[@]}" | sed '/^$/d'))
fi
if [ ${#missing[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null; then
    echo "Please install by hand: ${missing[*]}" >&2
    exit 1
  fi
  echo "Installing Debian packages: ${missing[*]}"
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "Not root and no sudo: ask an administrator to install: ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# ONNX Runtime: one pinned npm package, checked against its SHA-512, kept in the user's cache folder.
go run ./internal/ort/fetch/cmd/fetch-onnxruntime
