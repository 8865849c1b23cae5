//go:build !linux && !windows && !darwin

package machine

// InUse is what this program holds in memory now, in bytes; here it is not known.
func InUse() int64 { return 0 }

// Free is the memory that programs can still take, in bytes; here it is not known.
func Free() int64 { return 0 }

// Total is all the memory that this program may ever have, in bytes; here it is not known.
func Total() int64 { return 0 }
