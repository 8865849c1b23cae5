//go:build !windows

package syserr

import "syscall"

// What the system refuses.
const (
	DiskFull     = syscall.ENOSPC       // no space is left
	QuotaFull    = syscall.EDQUOT       // no space is left for this user
	ReadOnlyDisk = syscall.EROFS        // nothing on this disk can be changed
	FileTooBig   = syscall.EFBIG        // the file system, or a limit, allows no file of this size
	NoFolder     = syscall.ENOTDIR      // a file stands where a folder is needed
	InUse        = syscall.EBUSY        // another program has the file open
	Refused      = syscall.ECONNREFUSED // nothing listens at the other end of a connection
)
