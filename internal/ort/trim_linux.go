//go:build cgo

package ort

/*
#include <malloc.h>
#include <stddef.h>

// Both are the GNU C library's; other libraries have none.
extern int malloc_trim(size_t) __attribute__((weak));
extern int mallopt(int, int) __attribute__((weak));

static void trim(void) {
	if (malloc_trim) malloc_trim(0);
}

static void no_hoarding(void) {
	if (mallopt) {
		mallopt(M_MMAP_THRESHOLD, 256 << 10);
		mallopt(M_ARENA_MAX, 1);
	}
}
*/
import "C"

// GiveBack returns memory that closed sessions freed to the system: the C library keeps it otherwise.
func GiveBack() { C.trim() }

// noHoarding makes the C library return blocks of 256 KB and more as soon as they are freed, and take smaller ones for all threads from
// one heap. By itself it learns to keep ever larger blocks, up to 32 MB, and has several heaps: then much of what a closed session freed
// cannot be used by the next, and want of memory is not met by sparing it.
func noHoarding() { C.no_hoarding() }
