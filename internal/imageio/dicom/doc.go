// Package dicom reads DICOM MR images and assembles them into volumes: headers first, then series
// split into geometrically consistent stacks, then voxels. Geometry comes from the image positions
// and the slice normal alone (never SliceThickness, SliceLocation, InstanceNumber or a raw z), in
// LPS millimetres at voxel centres. Values are stored values after the file's rescale.
//
// Pixels are read native (implicit, explicit, big endian, deflated) and from RLE, JPEG of 8 and 12 bits (sequential), JPEG
// Lossless, JPEG-LS and JPEG 2000; other compressions are refused by name with the tool that undoes them.
//
// Text is decoded from all character sets of the standard, with code extensions.
//
// Element values are decoded by github.com/suyashkumar/dicom. What reaches it has first passed
// this package's [sieve], which checks every length against the file's size and the nesting depth,
// and leaves out all that is not needed; a damaged or hostile file therefore costs no more memory
// than its own size. The package decides nothing about what a series is for: that is package exam's.
package dicom

import (
	"errors"
	"path"
)

// Sentinels. Every error of this package about a file wraps one of them and holds the file's base
// name at most, never its folder.
var (
	ErrNotDICOM    = errors.New("dicom: not a DICOM file")
	ErrTruncated   = errors.New("dicom: file is cut short, copy it again from its source")
	ErrMalformed   = errors.New("dicom: malformed file")
	ErrUnsupported = errors.New("dicom: not supported") // its texts end in what to do
	ErrNotImage    = errors.New("dicom: holds no image")
	ErrTooLarge    = errors.New("dicom: larger than this program reads")
	ErrGeometry    = errors.New("dicom: images do not form a volume")
)

// FileError says which file of a volume an error is about.
type FileError struct {
	Name string // within the file system
	Err  error
}

// Error names the file by its base name.
func (e *FileError) Error() string { return path.Base(e.Name) + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }
