package exam

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"bayeslice/internal/imageio"
	"bayeslice/internal/volume"
)

// isImageFile reports whether a name is that of a NIfTI or MetaImage header.
func isImageFile(name string) bool { return imageStem(name) != path.Base(filepath.ToSlash(name)) }

// imageStem returns the base name without the extension of a NIfTI or MetaImage file.
func imageStem(name string) string {
	base := path.Base(filepath.ToSlash(name))
	for _, ext := range []string{".nii.gz", ".nii", ".mha", ".mhd"} {
		if len(base) > len(ext) && strings.EqualFold(base[len(base)-len(ext):], ext) {
			return base[:len(base)-len(ext)]
		}
	}
	return base
}

// isCompanion reports whether a name is that of a file which another one refers to: voxels of a
// MetaImage header, b-values of a NIfTI.
func isCompanion(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".raw", ".zraw", ".bval", ".bvec":
		return true
	}
	return false
}

// fileReader makes an exam of NIfTI and MetaImage files.
type fileReader struct {
	op       *opener
	exam     *Exam
	failures int
	reason   string // of the first failure, without a name
}

// files opens image files by their paths as one exam.
func (op *opener) files(ctx context.Context, paths []string) (*Exam, error) {
	groups := caseGroups(paths)
	if len(groups) > 1 {
		var err error
		if paths, err = op.pickCase(groups); err != nil {
			return nil, err
		}
	}
	r := &fileReader{op: op, exam: &Exam{}}
	op.progress.stage("reading images", len(paths))
	var first error
	var digests []string
	for _, p := range paths {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		digest, err := r.add(p)
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
	if first != nil {
		return fmt.Errorf("%w: %w", ErrUnreadable, first)
	}
	return fmt.Errorf("%w: %s found, but no image to go with them", ErrNoImages, plural(len(r.exam.Labels), "label file"))
}

// fail notes a file that cannot be used.
func (r *fileReader) fail(file string, err error) {
	r.exam.Problems = append(r.exam.Problems, FileProblem{Path: file, Err: inPrint(err)})
	if r.failures++; r.failures > 1 {
		return
	}
	switch {
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
	if len(img.Volumes) == 1 {
		if mask, ok := asMask(stem, img.Volumes[0]); ok {
			r.exam.Labels = append(r.exam.Labels, LabelFile{Name: printable(stem), Mask: mask})
			return "", nil
		}
	}
	bs := sidecarBs(file, len(img.Volumes))
	for n, v := range img.Volumes {
		if n >= maxRepeats {
			break
		}
		s := r.describe(stem, v)
		if len(img.Volumes) > 1 {
			s.ID += fmt.Sprintf("-%d", n+1)
		}
		if bs != nil {
			s.HasB, s.B = true, bs[n]
			s.facts.numbers["b"], s.facts.texts["bSource"] = bs[n], "its .bval file"
		}
		if n == 0 {
			s.noteReading(img)
		}
		r.exam.Series = append(r.exam.Series, s)
		digest += r.digest(v)
	}
	return digest, nil
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
	b := make([]byte, 0, 4*len(v.Data()))
	for _, x := range v.Data() {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return r.op.keys.hash(64, fmt.Sprint(v.Grid()), string(b))
}

// describe makes a series of one volume. Its ID is what of the file's name is known to be no
// identity: the kind that the rules find in it.
func (r *fileReader) describe(stem string, v *volume.Volume) *Series {
	s := &Series{Description: printable(stem), Volume: v, Images: v.Grid().Size[2], facts: fileFacts(stem, v.Grid())}
	s.ID = "image"
	if token := fileToken(stem); token != "" {
		s.ID = token
	}
	s.Synthetic = strings.Contains(strings.ToUpper(stem), "SYNTHETIC")
	return s
}

// fileTokens are the words of file names that say what an image is.
var fileTokens = []string{"t2w", "t2", "adc", "hbv", "dwi", "sag", "cor"}

// fileToken returns the last such word of a name, or "".
func fileToken(stem string) string {
	words := strings.FieldsFunc(strings.ToLower(stem), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	slices.Reverse(words)
	for _, w := range words {
		if slices.Contains(fileTokens, w) {
			return w
		}
	}
	return ""
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

func labelIssue(n int) Issue {
	return Issue{Code: LabelFiles, Severity: Note, Text: fmt.Sprintf("%s beside the images %s found and not taken as images", plural(n, "label file"), wasWere(n))}
}

// asMask turns a volume into labels where its name and values say that it is one: whole numbers of
// 0…255, and either a name of labels or so few different values as no image has.
func asMask(stem string, v *volume.Volume) (*volume.Mask, bool) {
	const fewValues = 9
	var seen [256]bool
	labels := make([]uint8, len(v.Data()))
	different := 0
	for i, x := range v.Data() {
		if !(x >= 0 && x <= 255) || x != float32(uint8(x)) {
			return nil, false
		}
		labels[i] = uint8(x)
		if !seen[labels[i]] {
			seen[labels[i]] = true
			different++
		}
	}
	if different > fewValues && !rules().isLabel(stem) {
		return nil, false
	}
	m, err := volume.NewMask(v.Grid(), labels)
	return m, err == nil
}

// sidecarBs reads the b-values beside a NIfTI (FSL's .bval, one number a frame), nil where there are none.
func sidecarBs(file string, frames int) []float64 {
	data, err := os.ReadFile(filepath.Join(filepath.Dir(file), imageStem(file)+".bval"))
	if err != nil || len(data) > 1<<16 {
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

// caseGroups sorts files by what is left of their paths without the word that names their kind, so
// that a folder of several cases ("10032_1000032_t2w.mha", …) is told from the files of one. It
// returns nil unless there are several and each has a T2W of its own. Label files go with the case
// whose name theirs begins with.
func caseGroups(paths []string) map[string][]string {
	groups, t2 := map[string][]string{}, map[string]bool{}
	var labels []string
	for _, p := range paths {
		stem := strings.ToLower(imageStem(p))
		token := fileToken(stem)
		switch {
		case rules().isLabel(stem):
			labels = append(labels, p)
		case token != "":
			key := filepath.ToSlash(filepath.Dir(p)) + "/" + stem[:strings.LastIndex(stem, token)]
			groups[key] = append(groups[key], p)
			t2[key] = t2[key] || strings.HasPrefix(token, "t2")
		}
	}
	if len(t2) < 2 || len(groups) != countTrue(t2) {
		return nil
	}
	for _, p := range labels {
		for key := range groups {
			if strings.HasPrefix(filepath.ToSlash(filepath.Dir(p))+"/"+strings.ToLower(imageStem(p)), key) {
				groups[key] = append(groups[key], p)
			}
		}
	}
	return groups
}

func countTrue(m map[string]bool) (n int) {
	for _, v := range m {
		if v {
			n++
		}
	}
	return n
}

// pickCase chooses among the cases of a folder as [Options.Study] says. A case's key here is that
// of its files' names, since their voxels are not read yet.
func (op *opener) pickCase(groups map[string][]string) ([]string, error) {
	several := &SeveralExamsError{}
	var hits []string
	for key := range groups {
		hash := op.keys.hash(32, "case", path.Base(key))
		if want := strings.ToLower(op.options.Study); want != "" && strings.HasPrefix(hash, want) {
			hits = append(hits, key)
		}
		several.Studies = append(several.Studies, StudyInfo{Key: hash, Name: nameOf(hash), Series: len(groups[key])})
	}
	slices.SortFunc(several.Studies, func(a, b StudyInfo) int { return strings.Compare(a.Key, b.Key) })
	if len(hits) == 1 {
		return groups[hits[0]], nil
	}
	if op.options.Study != "" && len(hits) == 0 {
		return nil, fmt.Errorf("%w: none begins with %q; %s", ErrNoSuchStudy, op.options.Study, strings.TrimPrefix(several.Error(), "exam: "))
	}
	return nil, several
}

// imageFiles opens the image files of a place as one exam.
func (op *opener) imageFiles(ctx context.Context, p place, images []string) (*Exam, error) {
	dir, done, err := op.onDisk(p)
	if err != nil {
		return nil, err
	}
	defer done()
	paths := make([]string, len(images))
	for i, name := range images {
		paths[i] = filepath.Join(dir, filepath.FromSlash(name))
	}
	e, err := op.files(ctx, paths)
	if err != nil {
		return nil, err
	}
	e.Identity.Path = p.root
	for i := range e.Problems { // a ZIP's unpacked files are gone by now
		e.Problems[i].Path = filepath.Join(p.root, strings.TrimPrefix(e.Problems[i].Path, dir))
	}
	return e, nil
}

// addLabels reads the label files beside a DICOM exam.
func (op *opener) addLabels(ctx context.Context, e *Exam, p place, images []string) error {
	if len(images) == 0 {
		return nil
	}
	dir, done, err := op.onDisk(p)
	if err != nil {
		return err
	}
	defer done()
	other := 0
	for _, name := range images {
		if err := ctx.Err(); err != nil {
			return err
		}
		file := filepath.Join(dir, filepath.FromSlash(name))
		mask, err := imageio.OpenMask(file)
		switch {
		case err == nil:
			e.Labels = append(e.Labels, LabelFile{Name: printable(imageStem(name)), Mask: mask})
		case errors.Is(err, imageio.ErrUnsupported):
			other++
		default:
			other++
			e.Problems = append(e.Problems, FileProblem{Path: filepath.Join(p.root, name), Err: inPrint(err)})
		}
	}
	if len(e.Labels) > 0 {
		e.found = append(e.found, labelIssue(len(e.Labels)))
	}
	if other > 0 {
		e.found = append(e.found, Issue{Code: NonImage, Severity: Note, Text: fmt.Sprintf(
			"%s beside the DICOM images %s not opened; open such a file by itself to see it", plural(other, "NIfTI or MetaImage file"), wasWere(other))})
	}
	return nil
}
