// Package codec holds what the readers and writers of image files share: the errors they return,
// numbers in files and their conversion, reads whose memory is bounded by what a file really holds,
// and writes that leave either a whole file or none. It knows no file format.
package codec

import (
	"errors"
	"fmt"
	"io/fs"

	"bayeslice/internal/syserr"
)

// The errors by which a caller can decide what to do. Every error of a reader wraps one of them or
// comes from the operating system.
var (
	// ErrFormat marks a file that is not what it says it is, or that contradicts itself.
	ErrFormat = errors.New("not a valid image file")
	// ErrUnsupported marks a valid file that this program does not read, or cannot write.
	ErrUnsupported = errors.New("not supported")
	// ErrTruncated marks a file that ends before its data do.
	ErrTruncated = errors.New("the file is incomplete")
	// ErrTooLarge marks a file that asks for more memory than any exam needs.
	ErrTooLarge = errors.New("the image is too large")
)

// Info is what a reader found out about a file besides its voxels.
type Info struct {
	Format      string   // such as "NIfTI-1"
	Description string   // free text of the header, "" where it has none; it may identify a patient
	Warnings    []string // sentences that the user must be shown: what was assumed or repaired
	NotFinite   int      // voxels that were NaN or infinite and have become 0
}

// Warn adds a sentence to the warnings.
func (i *Info) Warn(format string, a ...any) {
	i.Warnings = append(i.Warnings, fmt.Sprintf(format, a...))
}

// osError turns an error of the operating system into a sentence that says what to do; the error
// stays wrapped.
func osError(doing, path string, err error) error {
	hint := "check the disk and try again"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		hint = "the file or its folder does not exist"
	case errors.Is(err, syserr.DiskFull):
		hint = "the disk is full: free some space or choose another folder"
	case errors.Is(err, syserr.FileTooBig):
		hint = "its file system does not hold files of this size: choose another disk"
	case errors.Is(err, syserr.QuotaFull):
		hint = "your disk quota is used up: free some space or choose another folder"
	case errors.Is(err, syserr.InUse):
		hint = "another program has it open: close it there and try again"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syserr.ReadOnlyDisk):
		hint = "it is not permitted there: choose another folder or ask for access"
	}
	return fmt.Errorf("%s %s: %s (%w)", doing, path, hint, err)
}
