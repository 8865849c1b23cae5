#!/bin/sh
# Builds openjpeg.wasm, the decoder of OpenJPEG as a WebAssembly module that Go runs in a sandbox, from Debian's source
# package with its security patches. Wants Debian bookworm's clang-14, lld-14, wasi-libc and libclang-rt-14-dev-wasm32,
# and the unpacked and patched source ("apt-get source openjpeg2", version 2.5.0-2+deb12u3):
#     internal/imageio/dicom/openjpeg/wasm/build.sh openjpeg2-2.5.0
set -eu
here=$(dirname "$0")
lib=$1/src/lib/openjp2
config=$(mktemp -d)
trap 'rm -r "$config"' EXIT
cat > "$config/opj_config.h" <<'H'
#define OPJ_HAVE_STDINT_H 1
#define OPJ_HAVE_INTTYPES_H 1
#define OPJ_VERSION_MAJOR 2
#define OPJ_VERSION_MINOR 5
#define OPJ_VERSION_BUILD 0
H
cat > "$config/opj_config_private.h" <<'H'
#define OPJ_PACKAGE_VERSION "2.5.0"
#define OPJ_HAVE_POSIX_MEMALIGN 1
H
sources=""
for name in bio cio dwt event function_list ht_dec image invert j2k jp2 mct mqc openjpeg opj_malloc pi sparse_array t1 t2 tcd tgt thread; do
	sources="$sources $lib/$name.c"
done
# shellcheck disable=SC2086 # a list of names
clang-14 --target=wasm32-wasi -O3 -DNDEBUG -DOPJ_STATIC -I"$config" -I"$lib" -mexec-model=reactor -w \
	-fvisibility=hidden -Wl,--gc-sections -s -Wl,-z,stack-size=1048576 \
	-o "$here/../openjpeg.wasm" "$here/shim.c" $sources
ls -l "$here/../openjpeg.wasm"
