package exam

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"bayeslice/internal/imageio/dicom"
)

// Bounds of a ZIP, against ones made to fill the memory.
const (
	maxZIPBytes = 8 << 30 // of all entries unpacked
	maxZIPRatio = 200     // unpacked to packed, overall; images reach 20
)

// opener carries the options through one [Open].
type opener struct {
	options  Options
	keys     keyer
	progress *progress
	maxBytes int64 // of voxels
}

// open finds out what path is and reads it; roles are not chosen yet.
func (op *opener) open(ctx context.Context, path string) (*Exam, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, refuseSystem(path, err)
	}
	if info.IsDir() {
		names, err := listFiles(ctx, path, op.progress)
		if err != nil {
			return nil, listTrouble(path, err)
		}
		return op.tree(ctx, place{fsys: folder(path), names: names, root: path})
	}
	if !info.Mode().IsRegular() {
		return nil, unsupported("%s is neither a file nor a folder; open the folder of an exam", filepath.Base(path))
	}
	if isImageFile(path) {
		return op.files(ctx, place{}, []string{path})
	}
	if zipped, err := startsWith(path, "PK\x03\x04"); err != nil {
		return nil, refuseSystem(path, err)
	} else if zipped {
		return op.zip(ctx, path)
	}
	return op.dicomFile(ctx, path)
}

// startsWith reports whether a file begins with magic.
func startsWith(path, magic string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close() //nolint:errcheck // read only
	head := make([]byte, len(magic))
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	return string(head[:n]) == magic, nil
}

// place is a set of files to open an exam from.
type place struct {
	fsys   fs.FS
	names  []string
	root   string // path of the folder or ZIP
	zipped bool   // names cannot be opened by path: see onDisk
	temp   string // where onDisk put the image files of a ZIP
}

// nameOf returns the name in a ZIP of a file that onDisk unpacked.
func (p place) nameOf(file string) string {
	return filepath.ToSlash(strings.TrimPrefix(file, p.temp+string(filepath.Separator)))
}

// tree reads a folder or ZIP: a DICOM exam where there are DICOM images, else one of image files.
func (op *opener) tree(ctx context.Context, p place) (*Exam, error) {
	var candidates, images []string
	for _, name := range p.names {
		if isImageFile(name) {
			images = append(images, name)
		} else if !isCompanion(name) {
			candidates = append(candidates, name)
		}
	}
	op.progress.stage("reading headers", len(candidates))
	index, err := dicom.Scan(ctx, p.fsys, candidates, op.progress.step)
	if err != nil {
		return nil, err
	}
	r := &dicomReader{fsys: p.fsys, keys: op.keys, progress: op.progress, index: index}
	if len(index.Series) > 0 {
		labels := segmentations(p, index)
		e, err := op.study(ctx, r, p)
		if err != nil {
			return op.imagesInstead(ctx, p, images, err)
		}
		e.Labels = labels
		return e, op.addLabels(ctx, e, p, images)
	}
	if len(images) > 0 {
		return op.imageFiles(ctx, p, images)
	}
	return nil, r.nothingFound(p.names)
}

// imagesInstead opens the image files beside DICOM images that cannot be used for the reason why, and
// says so; where the choice is the user's, or they are of no use either, it fails with why.
func (op *opener) imagesInstead(ctx context.Context, p place, images []string, why error) (*Exam, error) {
	unusable := errors.Is(why, ErrUnreadable) || errors.Is(why, ErrUnsupported) || errors.Is(why, ErrSingleSlice)
	if !unusable || len(images) == 0 || op.options.Study != "" {
		return nil, why
	}
	e, err := op.imageFiles(ctx, p, images)
	switch {
	case errors.Is(err, ErrSeveralExams), errors.Is(err, ErrTooLarge), ctx.Err() != nil:
		return nil, err
	case err != nil:
		return nil, why
	}
	e.found = append(e.found, Issue{Code: Unreadable, Severity: Warning, Text: fmt.Sprintf(
		"the DICOM images cannot be used (%s), so the NIfTI, MetaImage or NRRD files beside them were opened instead", withoutSentinel(why))})
	return e, nil
}

// study reads one study of the indexed ones.
func (op *opener) study(ctx context.Context, r *dicomReader, p place) (*Exam, error) {
	uid, series, err := r.pick(op.options.Study)
	if err != nil {
		return nil, err
	}
	e, err := r.read(ctx, uid, series)
	if err != nil {
		return nil, err
	}
	e.Identity.Path, e.Problems = p.root, r.problems(p.root)
	for _, s := range e.Series {
		if s.Volume != nil {
			return e, nil
		}
	}
	return nil, nothingUsable(e)
}

// dicomFile opens the study that one DICOM file belongs to, or what a DICOMDIR lists.
func (op *opener) dicomFile(ctx context.Context, file string) (*Exam, error) {
	root, base := filepath.Dir(file), filepath.Base(file)
	fsys := folder(root)
	h, err := dicom.ReadHeader(fsys, base)
	if h != nil && h.Directory {
		return op.dicomdir(ctx, place{fsys: fsys, root: root}, base)
	}
	if errors.Is(err, dicom.ErrNotDICOM) {
		if err := notDICOM(file); err != nil {
			return nil, err
		}
		return op.files(ctx, place{}, []string{file})
	}
	if err != nil {
		return nil, refuse(base, plain(err), err)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, refuseSystem(root, err)
	}
	p := place{fsys: fsys, root: root}
	for _, entry := range entries {
		if info, err := os.Stat(filepath.Join(root, entry.Name())); err == nil && info.Mode().IsRegular() && !isImageFile(entry.Name()) {
			p.names = append(p.names, entry.Name())
		}
	}
	op.options.Study = op.keys.examKey(h.Study)
	return op.tree(ctx, p)
}

// dicomdir opens the files that a DICOMDIR lists.
func (op *opener) dicomdir(ctx context.Context, p place, name string) (*Exam, error) {
	names, absent, err := dicom.Directory(p.fsys, name)
	if err != nil {
		return nil, refuse(path.Base(name), plain(err), err)
	}
	if len(names)+len(absent) == 0 {
		return nil, fmt.Errorf("%w: the DICOMDIR lists no files; open the folder of the images instead", ErrNoImages)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%w: the DICOMDIR lists %s, but none is there; copy the whole medium", ErrNoImages, plural(len(absent), "file"))
	}
	p.names = names
	e, err := op.tree(ctx, p)
	if err == nil && len(absent) > 0 {
		e.found = append(e.found, Issue{Code: AbsentFiles, Severity: Warning, Text: fmt.Sprintf(
			"%s of %d that the DICOMDIR lists %s not there (%s); copy the whole medium", plural(len(absent), "file"), len(absent)+len(names), isAre(len(absent)), printable(someNames(absent)))})
	}
	return e, err
}

// someNames lists at most three file IDs.
func someNames(names []string) string {
	if len(names) > 3 {
		return strings.Join(names[:3], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// zip opens an archive in place: DICOM is read out of it without unpacking anything to disk.
func (op *opener) zip(ctx context.Context, file string) (*Exam, error) {
	z, err := zip.OpenReader(file)
	if err != nil {
		return nil, refuseSystem(file, err)
	}
	defer z.Close() //nolint:errcheck // read only
	info, err := os.Stat(file)
	if err != nil {
		return nil, refuseSystem(file, err)
	}
	if err := checkZIP(&z.Reader, info.Size()); err != nil {
		return nil, err
	}
	entries := newArchive(&z.Reader)
	return op.tree(ctx, place{fsys: entries, names: slices.Sorted(maps.Keys(entries)), root: file, zipped: true})
}

// checkZIP refuses archives that are encrypted, or whose entries say that they unpack to too much.
func checkZIP(z *zip.Reader, size int64) error {
	total := uint64(0)
	for _, f := range z.File {
		if f.Flags&1 != 0 {
			return unsupported("the ZIP is encrypted; unpack it, and open the folder")
		}
		if total += f.UncompressedSize64; total > maxZIPBytes || f.UncompressedSize64 > maxZIPBytes {
			return fmt.Errorf("%w: the ZIP unpacks to more than %d GB; open the folder of one exam", ErrTooLarge, maxZIPBytes>>30)
		}
	}
	if len(z.File) > maxFiles {
		return fmt.Errorf("%w: the ZIP has more than %d entries; open the folder of one exam", ErrTooLarge, maxFiles)
	}
	if total > maxZIPRatio*uint64(max(size, 1<<18)) {
		return fmt.Errorf("%w: the ZIP unpacks to more than %d times its size, as images do not; check where it comes from", ErrTooLarge, maxZIPRatio)
	}
	return nil
}
