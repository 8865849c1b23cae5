package machine

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	kernel32             = windows.NewLazySystemDLL("kernel32.dll")
	globalMemoryStatusEx = kernel32.NewProc("GlobalMemoryStatusEx")
	getProcessMemoryInfo = kernel32.NewProc("K32GetProcessMemoryInfo")
)

// memoryStatus is MEMORYSTATUSEX of the Windows API.
type memoryStatus struct {
	length, load                                uint32
	totalPhysical, availablePhysical            uint64
	totalPageFile, availablePageFile            uint64
	totalVirtual, availableVirtual, extendedOne uint64
}

// memoryCounters is PROCESS_MEMORY_COUNTERS of the Windows API.
type memoryCounters struct {
	length, pageFaults             uint32
	peakWorkingSet, workingSet     uintptr
	peakPagedPool, pagedPool       uintptr
	peakNonPagedPool, nonPagedPool uintptr
	pageFile, peakPageFile         uintptr
}

// InUse is what this program holds in memory now, in bytes (the working set, libraries and their buffers included).
func InUse() int64 {
	m := memoryCounters{length: uint32(unsafe.Sizeof(memoryCounters{}))}
	ok, _, _ := getProcessMemoryInfo.Call(uintptr(windows.CurrentProcess()), uintptr(unsafe.Pointer(&m)), uintptr(m.length))
	if ok == 0 {
		return 0
	}
	return int64(m.workingSet)
}

// Free is the memory that programs can still take, in bytes.
func Free() int64 { return int64(status().availablePhysical) }

// Total is all the memory that this program may ever have, in bytes: that of the machine.
func Total() int64 { return int64(status().totalPhysical) }

// status asks the system; where it does not say, everything is 0.
func status() memoryStatus {
	m := memoryStatus{length: uint32(unsafe.Sizeof(memoryStatus{}))}
	if ok, _, _ := globalMemoryStatusEx.Call(uintptr(unsafe.Pointer(&m))); ok == 0 {
		return memoryStatus{}
	}
	return m
}
