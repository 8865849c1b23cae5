package syserr

import "golang.org/x/sys/windows"

// What the system refuses.
const (
	DiskFull     = windows.ERROR_DISK_FULL           // no space is left
	QuotaFull    = windows.ERROR_DISK_QUOTA_EXCEEDED // no space is left for this user
	ReadOnlyDisk = windows.ERROR_WRITE_PROTECT       // nothing on this disk can be changed
	FileTooBig   = windows.ERROR_FILE_TOO_LARGE      // the file system, or a limit, allows no file of this size
	NoFolder     = windows.ERROR_DIRECTORY           // a file stands where a folder is needed
	InUse        = windows.ERROR_SHARING_VIOLATION   // another program has the file open
	Refused      = windows.WSAECONNREFUSED           // nothing listens at the other end of a connection
)
