package ort

import "golang.org/x/sys/windows"

// threadPriorityBelowNormal is THREAD_PRIORITY_BELOW_NORMAL of the Windows API.
const threadPriorityBelowNormal = -1

var setThreadPriority = windows.NewLazySystemDLL("kernel32.dll").NewProc("SetThreadPriority")

// lowerPriority lowers the priority of the calling thread; threads that it starts do not inherit it.
func lowerPriority() {
	below := int32(threadPriorityBelowNormal)
	_, _, _ = setThreadPriority.Call(uintptr(windows.CurrentThread()), uintptr(below)) // on failure it stays as it was
}
