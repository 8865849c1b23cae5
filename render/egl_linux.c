//go:build cgo && linux && !render_glfw

#include "egl_linux.h"

#include <dlfcn.h>
#include <string.h>

// The few names of EGL 1.4, 1.5 and its extensions that are used here (Khronos registry values).
enum {
	EGL_EXTENSIONS = 0x3055,
	EGL_SURFACE_TYPE = 0x3033,
	EGL_PBUFFER_BIT = 0x0001,
	EGL_RENDERABLE_TYPE = 0x3040,
	EGL_OPENGL_BIT = 0x0008,
	EGL_NONE = 0x3038,
	EGL_WIDTH = 0x3057,
	EGL_HEIGHT = 0x3056,
	EGL_OPENGL_API = 0x30A2,
	EGL_CONTEXT_MAJOR_VERSION = 0x3098,
	EGL_CONTEXT_MINOR_VERSION = 0x30FB,
	EGL_CONTEXT_OPENGL_PROFILE_MASK = 0x30FD,
	EGL_CONTEXT_OPENGL_CORE_PROFILE_BIT = 0x0001,
	EGL_CONTEXT_OPENGL_RESET_NOTIFICATION_STRATEGY = 0x31BD,
	EGL_LOSE_CONTEXT_ON_RESET = 0x31BF,
	EGL_PLATFORM_SURFACELESS_MESA = 0x31DD,
	EGL_PLATFORM_DEVICE_EXT = 0x313F,
};

typedef int32_t EGLint;
typedef void *handle;

static struct {
	void *(*GetProcAddress)(const char *);
	const char *(*QueryString)(handle, EGLint);
	handle (*GetDisplay)(handle);
	unsigned (*Initialize)(handle, EGLint *, EGLint *);
	unsigned (*BindAPI)(unsigned);
	unsigned (*ChooseConfig)(handle, const EGLint *, handle *, EGLint, EGLint *);
	handle (*CreateContext)(handle, handle, handle, const EGLint *);
	handle (*CreatePbufferSurface)(handle, handle, const EGLint *);
	unsigned (*MakeCurrent)(handle, handle, handle, handle);
	unsigned (*DestroyContext)(handle, handle);
	unsigned (*DestroySurface)(handle, handle);
	unsigned (*ReleaseThread)(void);
	EGLint (*GetError)(void);
	handle (*GetPlatformDisplay)(unsigned, handle, const EGLint *);
	unsigned (*QueryDevices)(EGLint, handle *, EGLint *);
} egl;

static int has(const char *extensions, const char *name) {
	size_t n = strlen(name);
	for (const char *at = extensions; at && (at = strstr(at, name)); at += n) {
		if ((at == extensions || at[-1] == ' ') && (at[n] == ' ' || at[n] == 0)) return 1;
	}
	return 0;
}

const char *bs_egl_load(void) {
	void *lib = dlopen("libEGL.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!lib) return "libEGL.so.1 cannot be loaded";
	struct { const char *name; void *slot; } names[] = {
		{"eglGetProcAddress", &egl.GetProcAddress}, {"eglQueryString", &egl.QueryString},
		{"eglGetDisplay", &egl.GetDisplay}, {"eglInitialize", &egl.Initialize},
		{"eglBindAPI", &egl.BindAPI}, {"eglChooseConfig", &egl.ChooseConfig},
		{"eglCreateContext", &egl.CreateContext}, {"eglCreatePbufferSurface", &egl.CreatePbufferSurface},
		{"eglMakeCurrent", &egl.MakeCurrent}, {"eglDestroyContext", &egl.DestroyContext},
		{"eglDestroySurface", &egl.DestroySurface}, {"eglReleaseThread", &egl.ReleaseThread},
		{"eglGetError", &egl.GetError},
	};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		void *f = dlsym(lib, names[i].name);
		if (!f) return "libEGL.so.1 lacks a function of EGL 1.4";
		memcpy(names[i].slot, &f, sizeof f);
	}
	void *f = egl.GetProcAddress("eglGetPlatformDisplayEXT");
	memcpy(&egl.GetPlatformDisplay, &f, sizeof f);
	f = egl.GetProcAddress("eglQueryDevicesEXT");
	memcpy(&egl.QueryDevices, &f, sizeof f);
	return NULL;
}

// client returns the extensions that need no display.
static const char *client(void) { return egl.QueryString(NULL, EGL_EXTENSIONS); }

uintptr_t bs_egl_surfaceless(void) {
	if (!egl.GetPlatformDisplay || !has(client(), "EGL_MESA_platform_surfaceless")) return 0;
	return (uintptr_t)egl.GetPlatformDisplay(EGL_PLATFORM_SURFACELESS_MESA, NULL, NULL);
}

int bs_egl_devices(uintptr_t *devices, int max) {
	handle found[64];
	EGLint n = 0;
	if (!egl.GetPlatformDisplay || !egl.QueryDevices || !has(client(), "EGL_EXT_platform_device")) return 0;
	if (max > 64) max = 64;
	if (!egl.QueryDevices(max, found, &n) || n < 0) return 0;
	for (int i = 0; i < n && i < max; i++) devices[i] = (uintptr_t)found[i];
	return n < max ? n : max;
}

uintptr_t bs_egl_device(uintptr_t device) {
	return (uintptr_t)egl.GetPlatformDisplay(EGL_PLATFORM_DEVICE_EXT, (handle)device, NULL);
}

uintptr_t bs_egl_default(void) { return (uintptr_t)egl.GetDisplay(NULL); }

// create asks for a context that reports resets first, then for a plain one.
static handle create(handle display, handle config) {
	EGLint attributes[] = {
		EGL_CONTEXT_MAJOR_VERSION, 3, EGL_CONTEXT_MINOR_VERSION, 3,
		EGL_CONTEXT_OPENGL_PROFILE_MASK, EGL_CONTEXT_OPENGL_CORE_PROFILE_BIT,
		EGL_CONTEXT_OPENGL_RESET_NOTIFICATION_STRATEGY, EGL_LOSE_CONTEXT_ON_RESET, EGL_NONE,
	};
	handle context = egl.CreateContext(display, config, NULL, attributes);
	if (context) return context;
	attributes[6] = EGL_NONE;
	return egl.CreateContext(display, config, NULL, attributes);
}

// A display is initialised once and for the life of the process: EGL hands the same one to every
// caller, and terminating it would end the contexts of others.
const char *bs_egl_open(uintptr_t address, bs_context *c) {
	handle display = (handle)address;
	if (!egl.Initialize(display, NULL, NULL)) return "the display cannot be initialised";
	if (!egl.BindAPI(EGL_OPENGL_API)) return "the display offers no desktop OpenGL";
	int surfaceless = has(egl.QueryString(display, EGL_EXTENSIONS), "EGL_KHR_surfaceless_context");
	const EGLint want[] = {EGL_RENDERABLE_TYPE, EGL_OPENGL_BIT, EGL_SURFACE_TYPE, surfaceless ? 0 : EGL_PBUFFER_BIT, EGL_NONE};
	handle config = NULL;
	EGLint n = 0;
	if (!egl.ChooseConfig(display, want, &config, 1, &n) || n < 1) return "the display offers no usable configuration";
	handle surface = NULL;
	if (!surfaceless) {
		const EGLint size[] = {EGL_WIDTH, 1, EGL_HEIGHT, 1, EGL_NONE};
		surface = egl.CreatePbufferSurface(display, config, size);
		if (!surface) return "no offscreen surface can be made";
	}
	handle context = create(display, config);
	if (!context) {
		if (surface) egl.DestroySurface(display, surface);
		return "the driver makes no OpenGL 3.3 core context";
	}
	c->display = address;
	c->context = (uintptr_t)context;
	c->surface = (uintptr_t)surface;
	return NULL;
}

int bs_egl_current(const bs_context *c) {
	egl.BindAPI(EGL_OPENGL_API);
	return (int)egl.MakeCurrent((handle)c->display, (handle)c->surface, (handle)c->surface, (handle)c->context);
}

void bs_egl_release(const bs_context *c) {
	egl.MakeCurrent((handle)c->display, NULL, NULL, NULL);
	egl.ReleaseThread();
}

void bs_egl_destroy(const bs_context *c) {
	egl.DestroyContext((handle)c->display, (handle)c->context);
	if (c->surface) egl.DestroySurface((handle)c->display, (handle)c->surface);
}

int bs_egl_error(void) { return (int)egl.GetError(); }

void *bs_egl_proc(const char *name) { return egl.GetProcAddress(name); }
