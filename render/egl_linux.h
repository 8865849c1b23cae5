// EGL through dlopen, so that neither its headers nor the library are needed to build or to start.
#ifndef BAYESLICE_EGL_LINUX_H
#define BAYESLICE_EGL_LINUX_H

#include <stdint.h>
#include <stdlib.h>

// bs_context is a context on a display; surface is 0 where the context needs none.
typedef struct {
	uintptr_t display, context, surface;
} bs_context;

// bs_egl_load opens the library and returns NULL, or why it cannot.
const char *bs_egl_load(void);

// Displays; 0 where the platform is not offered. bs_egl_devices returns how many it wrote.
uintptr_t bs_egl_surfaceless(void);
int bs_egl_devices(uintptr_t *devices, int max);
uintptr_t bs_egl_device(uintptr_t device);
uintptr_t bs_egl_default(void);

// bs_egl_open makes an OpenGL 3.3 core context and returns NULL, or what failed.
const char *bs_egl_open(uintptr_t display, bs_context *c);
int bs_egl_current(const bs_context *c);
void bs_egl_release(const bs_context *c);
void bs_egl_destroy(const bs_context *c);
int bs_egl_error(void);
void *bs_egl_proc(const char *name);

#endif
