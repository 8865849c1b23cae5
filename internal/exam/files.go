package exam

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"bayeslice/internal/imageio"
	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/volume"
)

// isImageFile reports whether a name is that of a NIfTI, MetaImage or NRRD header.
func isImageFile(name string) bool { return imageStem(name) != path.Base(filepath.ToSlash(name)) }

// imageStem returns the base name without the extension of a NIfTI, MetaImage or NRRD file.
func imageStem(name string) string {
	base := path.Base(filepath.ToSlash(name))
	for _, ext := range imageio.Extensions() {
		if len(base) > len(ext) && strings.EqualFold(base[len(base)-len(ext):], ext) {
			return base[:len(base)-len(ext)]
		}
	}
	return base
}

// isCompanion reports whether a name is that of a file which another one refers to: voxels of a
// MetaImage or NRRD header, b-values of a NIfTI.
func isCompanion(name string) bool {
	name = strings.ToLower(name)
	switch path.Ext(name) {
	case ".raw", ".zraw", ".bval", ".bvec":
		return true
	}
	return strings.HasSuffix(name, ".raw.gz") || strings.HasSuffix(name, ".raw.bz2")
}

// fileReader makes an exam of NIfTI, MetaImage and NRRD files.
type fileReader struct {
	op       *opener
	place    place // of the files, where they come from a ZIP
	exam     *Exam
	failures int
	bytes    int64  // of the voxels held
	reason   string // of the first failure, without a name
}

// maxLabelsAlone is how many files are read before a folder counts as one of labels alone: nothing
// but labels was found, and no file left is named as an image.
const maxLabelsAlone = 16

// files opens image files by their paths as one exam; from is the ZIP that they were unpacked from.
func (op *opener) files(ctx context.Context, from place, paths []string) (*Exam, error) {
	groups := caseGroups(paths)
	if len(groups) > 1 {
		var err error
		if paths, err = op.pickCase(groups); err != nil {
			return nil, err
		}
	}
	r := &fileReader{op: op, place: from, exam: &Exam{}}
	op.progress.stage("reading images", len(paths))
	var first error
	var digests []string
	bare := !slices.ContainsFunc(paths, func(p string) bool { token, _ := fileToken(imageStem(p)); return token != "" })
	for n, p := range paths {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if bare && n == maxLabelsAlone && len(r.exam.Labels) == n {
			return nil, fmt.Errorf("%w: the first %d of %d files are all label images; open the folder of the images that they belong to", ErrNoImages, n, len(paths))
		}
		digest, err := r.add(p)
		if errors.Is(err, ErrTooLarge) {
			return nil, err
		}
		if err != nil {
			first = cmpErr(first, err)
			r.fail(p, err)
		}
		digests = append(digests, digest)
		op.progress.step()
	}
	if len(r.exam.Series) == 0 {
		return nil, r.nothing(first)
	}
	e := r.exam
	e.Key = op.keys.hash(32, append([]string{"files"}, digests...)...)
	e.Name, e.Identity.Path = nameOf(e.Key), paths[0]
	r.finish()
	return e, nil
}

// cmpErr keeps the first of two errors.
func cmpErr(first, err error) error {
	if first != nil {
		return first
	}
	return err
}

// nothing explains why no image of the files can be used.
func (r *fileReader) nothing(first error) error {
	switch {
	case errors.Is(first, ErrUnsupported):
		return first
	case first != nil:
		return refuseFile(first)
	}
	return fmt.Errorf("%w: %s found (a few whole numbers alone), but no image to go with %s; open the folder of the images",
		ErrNoImages, plural(len(r.exam.Labels), "label image"), itThem(len(r.exam.Labels)))
}

// fail notes a file that cannot be used.
func (r *fileReader) fail(file string, err error) {
	r.exam.Problems = append(r.exam.Problems, FileProblem{Path: file, Err: inPrint(err)})
	if r.failures++; r.failures > 1 {
		return
	}
	switch {
	case errors.Is(err, errUniform):
		r.reason = "the first has the same value everywhere"
	case errors.Is(err, imageio.ErrTruncated):
		r.reason = "the first is cut short"
	case errors.Is(err, imageio.ErrTooLarge):
		r.reason = "the first is too large"
	case errors.Is(err, imageio.ErrUnsupported):
		r.reason = "the first is of a kind that is not read"
	default:
		r.reason = "the first is damaged or may not be read"
	}
}

// add reads one file as a label image or as one series for every frame, and returns a digest of an
// image's voxels ("" for labels).
func (r *fileReader) add(file string) (digest string, err error) {
	img, err := imageio.Open(file)
	if err != nil {
		return "", err
	}
	stem := imageStem(file)
	if isBlank(stem, img) {
		return "", refuseUniform(file, img)
	}
	if len(img.Volumes) == 1 {
		if v := img.Volumes[0]; isMask(stem, v) {
			r.exam.Labels = append(r.exam.Labels, LabelFile{Name: printable(stem), Grid: v.Grid(), read: r.maskReader(file)})
			return "", nil
		}
	}
	kept := img.Volumes[:min(maxRepeats, len(img.Volumes))]
	if r.bytes += 4 * int64(len(kept)) * int64(kept[0].Grid().Voxels()); r.bytes > r.op.maxBytes {
		return "", fmt.Errorf("%w: its images take more than %d GB; open fewer of them", ErrTooLarge, maxExam>>30)
	}
	bs := sidecarBs(file, len(img.Volumes))
	for n, v := range kept {
		s := r.describe(stem, axial(v))
		if len(img.Volumes) > 1 {
			s.ID += fmt.Sprintf("-%d", n+1)
		}
		if bs != nil {
			s.stateB(bs[n], "its .bval file")
		} else if b, ok := nameB(stem); ok && len(img.Volumes) == 1 {
			s.stateB(b, "its file's name")
		}
		if n == 0 {
			s.noteReading(img)
		}
		r.exam.Series = append(r.exam.Series, s)
		digest += r.digest(v)
	}
	return digest, nil
}

// stateB gives an image of a file the b-value b that source states.
func (s *Series) stateB(b float64, source string) {
	s.HasB, s.B = true, b
	s.facts.numbers["b"], s.facts.texts["bSource"] = b, source
}

// noteReading turns what the reader assumed or repaired into issues.
func (s *Series) noteReading(img *imageio.Image) {
	for _, w := range img.Warnings {
		s.found = append(s.found, Issue{Code: ReaderNote, Severity: Warning, Text: s.label() + ": " + w})
	}
	if len(img.Volumes) > maxRepeats {
		s.found = append(s.found, Issue{Code: TimePoints, Severity: Note, Text: fmt.Sprintf(
			"%s has %d frames; the first %d are listed, the others are not", s.label(), len(img.Volumes), maxRepeats)})
	}
}

// digest identifies an image by its voxels.
func (r *fileReader) digest(v *volume.Volume) string {
	return r.op.keys.hashVoxels(64, fmt.Sprint(v.Grid()), v.Data())
}

// describe makes a series of one volume. Its ID is what of the file's name is known to be no
// identity: the kind that the rules find in it.
func (r *fileReader) describe(stem string, v *volume.Volume) *Series {
	s := &Series{Description: printable(stem), Volume: v, Images: v.Grid().Size[2], facts: fileFacts(stem, v.Grid())}
	s.ID = "image"
	if token, _ := fileToken(stem); token != "" {
		s.ID = token
	}
	s.Synthetic = strings.Contains(strings.ToUpper(stem), "SYNTHETIC")
	return s
}

// finish judges the series once all are known, and brings ADC to its unit.
func (r *fileReader) finish() {
	e := r.exam
	seen := map[string]int{}
	for _, s := range e.Series {
		if seen[s.ID]++; seen[s.ID] > 1 {
			s.ID += fmt.Sprintf("-%d", seen[s.ID])
		}
		if len(e.Series) == 1 {
			s.facts.numbers["only"] = 1
		}
		s.verdict = rules().judge(s.facts)
		s.Kind, s.Excluded = s.verdict.kind, s.verdict.excluded
		s.Calculated = s.verdict.calculated && s.Kind == DWI
		if s.Kind != ADC {
			continue
		}
		s.HasB, s.B = false, 0
		scaled, issue := scaleADC(s.Volume, "")
		s.Volume = scaled
		if issue != nil {
			s.found = append(s.found, *issue)
		}
	}
	if r.failures > 0 {
		e.found = append(e.found, Issue{Code: Unreadable, Severity: Warning, Text: fmt.Sprintf(
			"%s could not be read and %s left out (%s)", plural(r.failures, "image file"), wasWere(r.failures), r.reason)})
	}
	if len(e.Labels) > 0 {
		e.found = append(e.found, labelIssue(len(e.Labels)))
	}
}

// sidecarBs reads the b-values beside a NIfTI (FSL's .bval, one number a frame), nil where there are none.
func sidecarBs(file string, frames int) []float64 {
	data, err := codec.ReadSmall(filepath.Join(filepath.Dir(file), imageStem(file)+".bval"), 1<<16)
	if err != nil {
		return nil
	}
	var out []float64
	for _, word := range strings.Fields(string(data)) {
		b, err := strconv.ParseFloat(word, 64)
		if err != nil || !(b >= 0 && b <= 20000) {
			return nil
		}
		out = append(out, b)
	}
	if len(out) != frames {
		return nil
	}
	return out
}

// imageFiles opens the image files of a place as one exam.
func (op *opener) imageFiles(ctx context.Context, p place, images []string) (*Exam, error) {
	dir, done, err := op.onDisk(&p)
	if err != nil {
		return nil, err
	}
	defer done()
	paths := make([]string, len(images))
	for i, name := range images {
		paths[i] = filepath.Join(dir, filepath.FromSlash(name))
	}
	e, err := op.files(ctx, p, paths)
	if err != nil {
		return nil, err
	}
	e.Identity.Path = p.root
	for i := range e.Problems { // a ZIP's unpacked files are gone by now
		e.Problems[i].Path = filepath.Join(p.root, strings.TrimPrefix(e.Problems[i].Path, dir))
	}
	return e, nil
}
