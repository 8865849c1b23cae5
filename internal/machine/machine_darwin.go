package machine

import "golang.org/x/sys/unix"

// InUse is what this program holds in memory now, in bytes; without C this system does not say.
func InUse() int64 { return 0 }

// Free is the memory that programs can still take, in bytes; without C this system does not say.
func Free() int64 { return 0 }

// Total is all the memory that this program may ever have, in bytes: that of the machine.
func Total() int64 {
	n, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return 0
	}
	return int64(n)
}
