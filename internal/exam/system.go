package exam

import (
	"archive/zip"
	"compress/flate"
	"errors"
	"io"
	"io/fs"
	"path/filepath"

	"bayeslice/internal/syserr"
)

// systemText says what the operating system or a ZIP refused and what to do, without the path, since folders are named after
// patients.
func systemText(err error) string {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "no such file or folder; check the name, or choose it again"
	case errors.Is(err, fs.ErrPermission):
		return "it may not be read; ask for access, or copy it into a folder of your own"
	case errors.Is(err, syserr.DiskFull):
		return "the disk is full; free some space and open it again"
	case errors.Is(err, zip.ErrAlgorithm):
		return "the ZIP is packed in a way that is not read; unpack it with another program, and open the folder"
	case errors.Is(err, zip.ErrFormat), errors.Is(err, zip.ErrChecksum), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &corrupt):
		return "the ZIP is damaged or incomplete; copy it again from its source"
	}
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		err = p.Err
	}
	return err.Error() + "; check the disk, and copy it again from its source"
}

// systemic reports whether an error is of the operating system or of a ZIP.
func systemic(err error) bool {
	var corrupt flate.CorruptInputError
	var path *fs.PathError
	return errors.As(err, &path) || errors.As(err, &corrupt) || errors.Is(err, zip.ErrChecksum) || errors.Is(err, zip.ErrFormat)
}

// listTrouble passes on what package exam or the context said of a folder, and words what the system said.
func listTrouble(path string, err error) error {
	if systemic(err) {
		return refuseSystem(path, err)
	}
	return err
}

// refuseSystem says that path cannot be read for a reason of the system's or of a ZIP.
func refuseSystem(path string, err error) error {
	return &refusal{ErrUnreadable, filepath.Base(path) + ": " + systemText(err), err}
}
