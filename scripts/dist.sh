#!/usr/bin/env bash
# Makes build/dist/bayeslice-VERSION-linux-ARCHITECTURE: a folder that runs without Go, npm or a network connection, and the
# same as .tar.gz, with SHA256SUMS. Its content depends on the revision and the compiler alone: times are those of the
# revision, or SOURCE_DATE_EPOCH. Run scripts/setup.sh dist once before; make dist does.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n 's/^ *Version = "\(.*\)"$/\1/p' FyneApp.toml)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
name=bayeslice-$version-$(go env GOOS)-$(go env GOARCH)
folder=build/dist/$name
umask 022

# -trimpath leaves the folders of this machine out of the program; position independence is what Debian wants.
rm -rf "$folder"
mkdir -p "$folder"
stamp=auto
if git rev-parse -q --verify HEAD >/dev/null; then stamp=true; fi # also where the settings of this machine say otherwise
go build -trimpath "-buildvcs=$stamp" -buildmode=pie -ldflags '-s -w' -tags "migrated_fynedo$(pkg-config --exists gtk+-3.0 && echo ,gtk)" -o "$folder/bayeslice" .
install -m 644 "$(go run ./internal/ort/fetch/cmd/fetch-onnxruntime -check)" "$folder/"

"$folder/bayeslice" licences -o "$folder"
cp README.md CHANGELOG.md LICENSE "$folder/"
mkdir "$folder/docs"
git ls-files docs | xargs cp -t "$folder/docs"
go run ./scripts/dist -share "$folder/share" -date "$SOURCE_DATE_EPOCH"

desktop-file-validate "$folder"/share/applications/*.desktop
appstreamcli validate --no-net --no-color "$folder"/share/metainfo/*.xml

# It must say the version, and find its library beside itself.
said=$(BAYESLICE_ONNXRUNTIME='' "$folder/bayeslice" version)
grep -q "^bayeslice $version " <<<"$said"
grep -q "^ONNX Runtime .*/$name/" <<<"$said"

find "$folder" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
tar --sort=name --owner=0 --group=0 --numeric-owner -C build/dist -c "$name" | gzip -9n >"$folder.tar.gz"
(cd build/dist && sha256sum "$name.tar.gz" $(find "$name" -type f | LC_ALL=C sort) >SHA256SUMS)
echo "$folder ($(du -sh "$folder" | cut -f1)), $name.tar.gz ($(du -h "$folder.tar.gz" | cut -f1)), SHA256SUMS"
