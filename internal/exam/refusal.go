package exam

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio"
	"bayeslice/internal/imageio/dicom"
)

// refusal is an error about what was found, in words of its own; its cause stays matched.
type refusal struct {
	kind  error // a sentinel of this package
	text  string
	cause error // or nil
}

func (r *refusal) Error() string { return r.kind.Error() + ": " + r.text }

// Unwrap returns the kind and the cause. What this package does not support is also what package
// imageio calls so: whole files of a kind that is not read.
func (r *refusal) Unwrap() []error {
	all := []error{r.kind}
	if errors.Is(r.kind, ErrUnsupported) {
		all = append(all, imageio.ErrUnsupported)
	}
	if r.cause != nil {
		all = append(all, r.cause)
	}
	return all
}

// withoutSentinel returns the words of an error behind those of its kind.
func withoutSentinel(err error) string {
	if r := (*refusal)(nil); errors.As(err, &r) {
		return printable(r.text)
	}
	return printable(strings.TrimPrefix(err.Error(), "exam: "))
}

// errUniform marks an image without contrast.
var errUniform = errors.New("every voxel has the same value")

// refuseUniform says that an image file shows nothing.
func refuseUniform(file string, img *imageio.Image) error {
	text := fmt.Sprintf("every voxel has the value %g", img.Volumes[0].Data()[0])
	if img.NotFinite > 0 {
		text = "no voxel holds a number"
	}
	return &refusal{ErrUnsupported, filepath.Base(file) + ": " + text + "; export the image again from its source", errUniform}
}

// unsupported is a refusal without a cause of its own.
func unsupported(format string, args ...any) error {
	return &refusal{kind: ErrUnsupported, text: fmt.Sprintf(format, args...)}
}

// refuse says that subject cannot be used since cause, told in text. Where copying the files again
// would not help, the text ends in what does.
func refuse(subject, text string, cause error) error {
	kind, remedy := ErrUnreadable, ""
	switch {
	case errors.Is(cause, dicom.ErrUnsupported):
		kind = ErrUnsupported // its texts say what to do
	case errors.Is(cause, dicom.ErrNotImage):
		kind, remedy = ErrUnsupported, "; open the folder of the greyscale MR images instead"
	case errors.Is(cause, dicom.ErrGeometry):
		kind, remedy = ErrUnsupported, "; open the folder of a complete axial series"
	case errors.Is(cause, dicom.ErrTooLarge):
		kind, remedy = ErrTooLarge, "; export the series as single images"
	case errors.Is(cause, ErrTooLarge):
		kind, remedy = ErrTooLarge, "; open the folder of one exam"
	case errors.Is(cause, dicom.ErrMalformed) && !strings.Contains(text, "copy it again"):
		remedy = "; export it again from its source"
	}
	return &refusal{kind, subject + ": " + text + remedy, cause}
}

// notDICOM says what a file is that is not DICOM; nil means an image whatever its name is.
func notDICOM(file string) error {
	base := filepath.Base(file)
	_, err := imageio.Open(file)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, imageio.ErrFormat) && isPacked(base):
		return unsupported("%s is a packed archive that is not read; unpack it, and open the folder", base)
	case errors.Is(err, imageio.ErrFormat):
		return unsupported("%s is neither DICOM nor NIfTI, MetaImage or NRRD; open the folder or ZIP of the exam, or a NIfTI, MetaImage or NRRD file", base)
	}
	return refuseFile(err)
}

// refuseFile says why an image file cannot be used, in the words of its reader without the names of packages.
func refuseFile(err error) error {
	kind, text := ErrUnreadable, err.Error()
	for _, name := range []string{"imageio: ", "nifti: ", "metaimage: ", "nrrd: "} {
		text = strings.TrimPrefix(text, name)
	}
	text = strings.Replace(text, geom.ErrGrid.Error()+": ", "", 1)
	for _, sentinel := range []error{imageio.ErrUnsupported, imageio.ErrTooLarge, imageio.ErrTruncated, imageio.ErrFormat} {
		text = strings.TrimSuffix(text, ": "+sentinel.Error())
	}
	switch {
	case systemic(err): // its own text has the path, and folders are named after patients
		return &refusal{ErrUnreadable, systemText(err), err}
	case errors.Is(err, imageio.ErrUnsupported):
		kind = ErrUnsupported
	case errors.Is(err, imageio.ErrTooLarge):
		kind = ErrTooLarge
	}
	if !strings.Contains(text, ";") && !strings.Contains(text, "again") {
		text += "; convert it again from the original image"
	}
	return &refusal{kind, text, err}
}

// isPacked reports whether a name is that of an archive other than ZIP.
func isPacked(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".gz", ".tgz", ".tar", ".bz2", ".xz", ".zst", ".7z", ".rar", ".iso":
		return true
	}
	return false
}

// nothingFound explains why a place holds no exam.
func (r *dicomReader) nothingFound(names []string) error {
	if len(names) == 0 {
		return fmt.Errorf("%w: the folder is empty; open the folder that holds the exam's DICOM, NIfTI, MetaImage or NRRD files", ErrNoImages)
	}
	if n := len(r.index.Failures); n > 0 {
		f := r.index.Failures[0]
		subject := path.Base(f.Name)
		if n > 1 {
			subject = fmt.Sprintf("%s, the first of %d", subject, n)
		}
		return refuse(subject, plain(f.Err), f.Err)
	}
	text := plural(len(names), "file") + " searched, and none is a DICOM, NIfTI, MetaImage or NRRD image"
	if objects := r.objects(); len(objects) > 0 {
		text += "; there are DICOM files without an image to read (" + strings.Join(objects, ", ") + "), so open the folder of the images that they belong to"
	} else {
		text += "; open the folder of the exam's images"
	}
	return fmt.Errorf("%w: %s", ErrNoImages, text)
}

// objects lists how many DICOM files of a kind are no images, such as "2 SEG", without those of
// unknown kind.
func (r *dicomReader) objects() (kinds []string) {
	for _, k := range slices.Sorted(maps.Keys(r.index.NotImages)) {
		if k != "other" {
			kinds = append(kinds, fmt.Sprintf("%d %s", r.index.NotImages[k], k))
		}
	}
	return kinds
}

// nothingUsable explains why a place with DICOM images opens no exam.
func nothingUsable(e *Exam) error {
	single := false
	for _, s := range e.Series {
		if s.Problem != "" && s.Problem != singleSlice {
			return refuse(s.label(), s.Problem, s.cause)
		}
		single = single || s.Problem != ""
	}
	if single {
		return fmt.Errorf("%w: open the folder that has all slices of the exam", ErrSingleSlice)
	}
	return ErrNoImages
}
