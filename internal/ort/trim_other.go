//go:build !linux || !cgo

package ort

// GiveBack returns memory that closed sessions freed to the system, where the C library can be asked to.
func GiveBack() {}

// noHoarding makes the C library return larger blocks as soon as they are freed, where it can be asked to.
func noHoarding() {}
