//go:build !linux && !windows

package ort

// lowerPriority does nothing: here the priority of one thread is not for the program to set without C.
func lowerPriority() {}
