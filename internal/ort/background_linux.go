package ort

import "golang.org/x/sys/unix"

// backgroundNice is the nice value of a network's thread beside a window: the scheduler gives a thread of nice 0
// about nine times the share of one of nice 10.
const backgroundNice = 10

// lowerPriority lowers the priority of the calling thread. It leaves a thread alone that is lower already.
func lowerPriority() {
	const thisThread = 0 // Linux keeps the nice value of each thread by itself
	if n, err := unix.Getpriority(unix.PRIO_PROCESS, thisThread); err != nil || 20-n >= backgroundNice {
		return // the system call returns 20 less the nice value
	}
	_ = unix.Setpriority(unix.PRIO_PROCESS, thisThread, backgroundNice) // a thread may always lower itself
}
