#!/usr/bin/env bash
# Makes build/dist/bayeslice_VERSION-BUILD_ARCHITECTURE.deb of the folder that scripts/dist.sh made. What it depends on is read from
# the program and its library (dpkg-shlibdeps). DEBFULLNAME and DEBEMAIL name the maintainer of the package.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n 's/^ *Version = "\(.*\)"$/\1/p' FyneApp.toml)
full=$version-$(sed -n 's/^ *Build = \(.*\)$/\1/p' FyneApp.toml)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
folder=$PWD/build/dist/bayeslice-$version-linux-$(go env GOARCH)
architecture=$(dpkg --print-architecture)
maintainer="${DEBFULLNAME:-Bayeslice maintainers} <${DEBEMAIL:-maintainers@bayeslice.invalid}>"
umask 022

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
papers=$root/usr/share/doc/bayeslice
install -D -m 755 "$folder/bayeslice" "$root/usr/bin/bayeslice"
install -D -m 644 "$folder/libonnxruntime.so.1" "$root/usr/lib/bayeslice/libonnxruntime.so.1"
cp -r "$folder/share/." "$root/usr/share/"
gzip -9n "$root"/usr/share/man/man1/*
mkdir -p "$papers"
cp -r "$folder/README.md" "$folder/THIRD-PARTY-NOTICES.md" "$folder/LICENSES" "$folder/docs" "$papers/"
gzip -9nc "$folder/CHANGELOG.md" >"$papers/changelog.gz"
gzip -9n >"$papers/changelog.Debian.gz" <<CHANGES
bayeslice ($full) unstable; urgency=medium

  * Bayeslice $version; changelog.gz says what is new.

 -- $maintainer  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
CHANGES
go run ./scripts/dist -debian "$papers/copyright" -date "$SOURCE_DATE_EPOCH"
install -D -m 644 scripts/dist/lintian-overrides "$root/usr/share/lintian/overrides/bayeslice"

# Libraries of the window that are loaded by name while it runs are added by hand.
mkdir -p "$work/debian" "$root/DEBIAN"
printf 'Source: bayeslice\n\nPackage: bayeslice\nArchitecture: %s\n' "$architecture" >"$work/debian/control"
linked=$(cd "$work" && dpkg-shlibdeps -O --warnings=0 -e "$root/usr/bin/bayeslice" -e "$root/usr/lib/bayeslice/libonnxruntime.so.1" \
  2> >(grep -v 'should already be installed in their package' >&2) | sed -n 's/^shlibs:Depends=//p')
cat >"$root/DEBIAN/control" <<CONTROL
Package: bayeslice
Version: $full
Architecture: $architecture
Maintainer: $maintainer
Section: science
Priority: optional
Installed-Size: $(du -k --apparent-size -s "$root/usr" | cut -f1)
Depends: $linked, libegl1, libxcursor1, libxi6, libxinerama1, libxrandr2, libxxf86vm1
Recommends: libgl1-mesa-dri
Suggests: libvulkan1
Description: see how sure a Bayesian network is about a prostate MRI
 Bayeslice shows a prostate MRI exam, its segmentation, and how sure the
 network is. It opens T2W, DWI and ADC series offline (DICOM, NIfTI,
 MetaImage, NRRD), samples a Bayesian 3D U-Net on your own machine, and shows
 zones, suspected cancer, uncertainty maps and histograms of class
 probabilities.
 .
 Research use only. Not a medical device. Not for diagnosis or treatment
 decisions.
CONTROL
(cd "$root" && find usr -type f | LC_ALL=C sort | xargs -d '\n' md5sum >DEBIAN/md5sums)
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
package=build/dist/bayeslice_${full}_$architecture.deb
dpkg-deb --root-owner-group -Zxz -z6 --build "$root" "$package" >/dev/null
if command -v lintian >/dev/null; then lintian --fail-on error,warning --allow-root --tag-display-limit 0 "$package"; fi
(cd build/dist && grep -v '\.deb$' SHA256SUMS >"$work/sums" && sha256sum "$(basename "$package")" >>"$work/sums" && cp "$work/sums" SHA256SUMS)
echo "$package ($(du -h "$package" | cut -f1)): $linked"
