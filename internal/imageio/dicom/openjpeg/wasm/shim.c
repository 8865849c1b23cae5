// What the Go package openjpeg calls inside the sandbox: memory for one codestream, and one call that decodes it. The
// result stays in static memory of the module; the module is thrown away after one image.

#include <stdlib.h>
#include <string.h>

#include "openjpeg.h"

#define EXPORT(name) __attribute__((export_name(name)))

typedef struct {
	const unsigned char *data;
	OPJ_SIZE_T size, at;
} memory;

static OPJ_SIZE_T read_memory(void *to, OPJ_SIZE_T n, void *user) {
	memory *m = user;
	if (m->at >= m->size) return (OPJ_SIZE_T)-1;
	if (n > m->size - m->at) n = m->size - m->at;
	memcpy(to, m->data + m->at, n);
	m->at += n;
	return n;
}

static OPJ_OFF_T skip_memory(OPJ_OFF_T n, void *user) {
	memory *m = user;
	if (n < 0 || (OPJ_SIZE_T)n > m->size - m->at) return -1;
	m->at += (OPJ_SIZE_T)n;
	return n;
}

static OPJ_BOOL seek_memory(OPJ_OFF_T at, void *user) {
	memory *m = user;
	if (at < 0 || (OPJ_SIZE_T)at > m->size) return OPJ_FALSE;
	m->at = (OPJ_SIZE_T)at;
	return OPJ_TRUE;
}

static char text[256]; // the first complaint

static void keep_first(const char *message, void *user) {
	if (text[0] == 0) strncpy(text, message, sizeof text - 1);
}

// Facts: width, height, components, bits, signed, address of the samples (int32, rows of the first component).
static int facts[6];

EXPORT("obtain") void *obtain(int n) { return malloc((size_t)n); }
EXPORT("facts") int *get_facts(void) { return facts; }
EXPORT("complaint") char *complaint(void) { return text; }

// Decodes size bytes at data into an image that must be width × height. 0: done; 1: the header cannot be read;
// 2: another size than expected; 3: the pixels cannot be decoded; 4: several components.
EXPORT("decode") int decode(const unsigned char *data, int size, int width, int height) {
	static const unsigned char jp2[4] = {0, 0, 0, 12};
	memory m = {data, (OPJ_SIZE_T)size, 0};
	opj_image_t *image = NULL;
	opj_dparameters_t parameters;
	opj_codec_t *codec = opj_create_decompress(size >= 4 && memcmp(data, jp2, 4) == 0 ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K);
	opj_stream_t *stream = opj_stream_create(1 << 16, OPJ_TRUE);
	if (codec == NULL || stream == NULL) return 1;
	opj_stream_set_user_data(stream, &m, NULL);
	opj_stream_set_user_data_length(stream, (OPJ_UINT64)size);
	opj_stream_set_read_function(stream, read_memory);
	opj_stream_set_skip_function(stream, skip_memory);
	opj_stream_set_seek_function(stream, seek_memory);
	opj_set_error_handler(codec, keep_first, NULL);
	opj_set_default_decoder_parameters(&parameters);
	if (!opj_setup_decoder(codec, &parameters)) return 1;
	if (!opj_read_header(stream, codec, &image)) return 1;
	if (image->numcomps != 1) return 4;
	if (image->comps[0].w != (OPJ_UINT32)width || image->comps[0].h != (OPJ_UINT32)height) return 2;
	if (!opj_decode(codec, stream, image) || !opj_end_decompress(codec, stream)) return 3;
	if (image->comps[0].data == NULL) return 3;
	facts[0] = (int)image->comps[0].w;
	facts[1] = (int)image->comps[0].h;
	facts[2] = (int)image->numcomps;
	facts[3] = (int)image->comps[0].prec;
	facts[4] = (int)image->comps[0].sgnd;
	facts[5] = (int)(size_t)image->comps[0].data;
	return 0;
}
