#!/usr/bin/env bash
# Installs the package that scripts/deb.sh made, and nothing but it and what it depends on, in a fresh minimal Debian; then
# cuts the network off and, as an ordinary user, makes the demo's exam, runs both networks on it, and opens the window on it
# (on Xvfb outside, where that is installed). usage: scripts/test-deb.sh [FOLDER FOR THE ROOT, kept]
# It needs root, debootstrap, and Debian's mirror for the minimal system.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "$(id -u)" -ne 0 ]; then
  echo "A fresh Debian needs root: run this as root (sudo make test-deb)." >&2
  exit 1
fi
version=$(sed -n 's/^ *Version = "\(.*\)"$/\1/p' FyneApp.toml)
package=$PWD/build/dist/bayeslice_$version-$(sed -n 's/^ *Build = \(.*\)$/\1/p' FyneApp.toml)_$(dpkg --print-architecture).deb
test -e "$package" || { echo "There is no $package: make deb makes it." >&2; exit 1; }
started=$SECONDS

if [ $# -gt 0 ]; then root=$1; else root=$(mktemp -d /var/tmp/bayeslice-root-XXXXXX); fi
mkdir -p "$root" && chmod 755 "$root"
mounted=()
window=""
finish() {
  [ -z "$window" ] || kill "$window" 2>/dev/null || true
  for place in "${mounted[@]}"; do umount "$place" || return; done # never delete through a mount
  [ $# -gt 0 ] || rm -rf --one-file-system "$root"
}
trap 'finish "$@"' EXIT

. /etc/os-release
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' "Codename: $VERSION_CODENAME" 2>/dev/null | grep -v security | head -n 1 || true)
if ! [ -e "$root/bin/sh" ]; then
  debootstrap --variant=minbase "$VERSION_CODENAME" "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 || { tail -n 20 "$root.log" >&2; exit 1; }
  rm -f "$root.log"
fi
echo "minimal Debian: $((SECONDS - started)) s"

inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
cp /etc/resolv.conf "$root/etc/resolv.conf"
cp "$package" "$root/package.deb"
inside apt-get update -qq
inside apt-get install -y -qq --no-install-recommends /package.deb >"$root/install.log" 2>&1 || { tail -n 30 "$root/install.log" >&2; exit 1; }
inside test ! -e /usr/bin/go -a ! -e /usr/bin/npm
inside useradd --create-home reader
echo "installed, $(inside dpkg-query -f '.\n' -W | wc -l) packages in all: $((SECONDS - started)) s"

# offline: an ordinary user without any network, and with /proc where this machine lets it be mounted.
proc=()
unshare -n -p --fork --mount-proc="$root/proc" true 2>/dev/null && proc=(-p --fork --mount-proc="$root/proc")
offline() {
  unshare -n "${proc[@]}" chroot --userspec=reader "$root" env -i HOME=/home/reader USER=reader PATH=/usr/bin:/bin LC_ALL=C.UTF-8 \
    ${DISPLAY:+DISPLAY="$DISPLAY"} XAUTHORITY=/home/reader/.Xauthority sh -c 'cd && exec "$@"' sh "$@"
}
offline bayeslice version | tee "$root/version" # the runtime must be the package's
grep -q "^bayeslice $version " "$root/version"
grep -q '^ONNX Runtime .*(/usr/lib/bayeslice/libonnxruntime.so.1)$' "$root/version"
proc_before=("${proc[@]}")
proc=() # a root without /proc must do as well
offline bayeslice version | cmp - "$root/version"
proc=("${proc_before[@]}")
offline bayeslice licences >/dev/null
offline bayeslice demo --exam-only -o demo
offline bayeslice infer demo/exam -o result --samples 4
for model in anatomy diagnosis; do
  for file in result.json panel.png; do test -s "$root/home/reader/result/$model/$file"; done
  grep -q '"research' "$root/home/reader/result/$model/result.json" || { echo "$model/result.json says nothing of research use" >&2; exit 1; }
  gzip -t "$root/home/reader/result/$model"/*.nii.gz
done
echo "inference offline: $((SECONDS - started)) s"

if ! command -v Xvfb >/dev/null || ! command -v xdotool >/dev/null; then
  echo "window: not tried, since Xvfb or xdotool is not installed"
  exit 0
fi
mkdir -p "$root/tmp/.X11-unix"
if ! mount --bind /tmp/.X11-unix "$root/tmp/.X11-unix"; then
  echo "window: not tried, since this machine lets nothing be mounted"
  exit 0
fi
mounted+=("$root/tmp/.X11-unix")
exec 3<><(:)
Xvfb -displayfd 3 -screen 0 1280x800x24 -nolisten tcp >/dev/null 2>&1 &
window=$!
read -r -t 30 number <&3
export DISPLAY=:$number
offline bayeslice open demo/exam --unattended >"$root/window.log" 2>&1 &
if ! timeout 60 xdotool search --sync --onlyvisible --name Bayeslice >/dev/null; then
  echo "the window did not come up:" >&2
  cat "$root/window.log" >&2
  exit 1
fi
echo "window: $((SECONDS - started)) s"
