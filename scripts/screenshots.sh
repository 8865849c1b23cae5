#!/usr/bin/env bash
# Draws the pictures of the documentation anew, from the phantom alone: the tours of the window under Xvfb, with the
# full-size phantom and 24 samples, and the demo's panel. Look at them before they are committed.
# Pictures of the window are made smaller and get a palette, so that none is larger than 150 kB.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
BAYESLICE_TOUR="$folder" go test -tags migrated_fynedo -count=1 -timeout 30m \
  -run '^TestTourOfThe(Clinician|Annotator|Student)$' ./app

# The palette: greys of the images, grounds and texts of the panels, and the colours of results at three brightnesses.
colours=()
for v in $(seq 0 13 255); do colours+=("xc:rgb($v,$v,$v)"); done
for v in 27,32,39 20,24,30 40,46,56 52,60,72 36,42,51 140,150,162 185,195,207 64,146,212 40,90,130 76,175,140 233,95,89 147,157,171 117,126,138 87,95,105; do colours+=("xc:rgb($v)"); done
for v in 240,228,66 230,159,0 86,180,233 204,121,167 0,158,115 213,94,0 236,167,65; do
  IFS=, read -r r g b <<<"$v"
  for share in 100 70 40; do colours+=("xc:rgb($((r * share / 100)),$((g * share / 100)),$((b * share / 100)))"); done
done
convert -size 1x1 "${colours[@]}" +append "$folder/palette.png"

save() { # save SHOT PICTURE CHANGES...
  convert "$folder/1280x800-$1.png" "${@:3}" +repage +dither -remap "$folder/palette.png" -strip -define png:compression-level=9 "docs/$2.png"
}
whole() { save "$1" "$2" -filter Triangle -resize 1000x; } # the window
panel() { save "$1" "$2" -crop 345x735+935+38; }           # the tabs beside the images

whole clinician-candidate screenshot-phantom
whole clinician-results clinicians-read
panel clinician-measured clinicians-measure
panel clinician-candidate clinicians-results
whole annotator-drawn annotators-contour
panel annotator-preview annotators-edit
panel annotator-review annotators-review
whole student-compare students-compare
whole student-column students-column
panel student-voxel students-voxel
panel student-quiz students-quiz

build/bayeslice demo -o "$folder/demo"
cp "$folder/demo/anatomy/panel.png" docs/panel-anatomy.png
