//go:build !linux

package app

// memoryInUse is what the program holds in memory now, in bytes; 0 where it is not known.
func memoryInUse() int64 { return 0 }

// memoryFree is the memory that programs can still take, in bytes; 0 where it is not known.
func memoryFree() int64 { return 0 }
