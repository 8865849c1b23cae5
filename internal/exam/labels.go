package exam

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio"
	"bayeslice/internal/imageio/dicom"
	"bayeslice/internal/volume"
)

// LabelFile is a label image found beside the images: zones, a gland or lesion mask. It is listed,
// never read as an image, and its voxels are not kept: see [LabelFile.Mask].
type LabelFile struct {
	Name string    // base name without extension; may hold identity, so not for logs or results
	Grid geom.Grid // of the labels, which need not be an image's

	read func() (*volume.Mask, error)
}

// Mask reads the labels, values as stored, anew at every call. It takes seconds for a large file,
// and fails as [imageio.OpenMask] does, or with [ErrUnreadable] where the file's ZIP changed.
func (l LabelFile) Mask() (*volume.Mask, error) {
	m, err := l.read()
	return m, inPrint(err)
}

// maskReader returns what reads the labels of file, now at that path, again later.
func (r *fileReader) maskReader(file string) func() (*volume.Mask, error) {
	if !r.place.zipped {
		return func() (*volume.Mask, error) { return imageio.OpenMask(file) }
	}
	root, name := r.place.root, r.place.nameOf(file)
	return func() (*volume.Mask, error) { return zippedMask(root, name) }
}

func labelIssue(n int) Issue {
	return Issue{Code: LabelFiles, Severity: Note, Text: fmt.Sprintf("%s beside the images %s found and not taken as images", plural(n, "label file"), wasWere(n))}
}

// isMask reports whether a volume's name and values say that it is labels: whole numbers of 0…255,
// and either a name of labels or so few different values as no image has.
func isMask(stem string, v *volume.Volume) bool {
	const fewValues = 9
	var seen [256]bool
	different := 0
	for _, x := range v.Data() {
		if !(x >= 0 && x <= 255) || x != float32(uint8(x)) {
			return false
		}
		if !seen[uint8(x)] {
			seen[uint8(x)] = true
			different++
		}
	}
	return different <= fewValues || rules().isLabel(stem)
}

// isBlank reports whether a file is an image that shows nothing: one value throughout under the name
// of an image, or no number at all. Labels may be blank where there is nothing to mark.
func isBlank(stem string, img *imageio.Image) bool {
	token, _ := fileToken(stem)
	if rules().isLabel(stem) || token == "" && img.NotFinite == 0 {
		return false
	}
	for _, v := range img.Volumes {
		for _, x := range v.Data() {
			if x != img.Volumes[0].Data()[0] {
				return false
			}
		}
	}
	return true
}

// segmentations lists the masks in the DICOM segmentations of a folder or ZIP, and takes those out of the index's count of files that are
// left aside. One that holds no mask stays there.
func segmentations(p place, index *dicom.Index) []LabelFile {
	var out []LabelFile
	for _, name := range index.Segmentations {
		parts, err := p.maskParts(name)
		if err != nil || len(parts) == 0 {
			continue
		}
		for _, part := range parts {
			base := path.Base(name)
			stem := printable(strings.TrimSuffix(base, path.Ext(base)))
			if len(parts) > 1 {
				stem += " (" + part.Name + ")"
			}
			out = append(out, LabelFile{Name: stem, Grid: part.Grid, read: part.Read})
		}
		if index.NotImages["SEG"]--; index.NotImages["SEG"] == 0 {
			delete(index.NotImages, "SEG")
		}
	}
	return out
}

// addLabels lists the label files beside a DICOM exam.
func (op *opener) addLabels(ctx context.Context, e *Exam, p place, images []string) error {
	if len(images) == 0 {
		if len(e.Labels) > 0 {
			e.found = append(e.found, labelIssue(len(e.Labels)))
		}
		return nil
	}
	dir, done, err := op.onDisk(&p)
	if err != nil {
		return err
	}
	defer done()
	r := &fileReader{op: op, place: p, exam: e}
	op.progress.stage("reading images", len(images))
	other := 0
	for _, name := range images {
		if err := ctx.Err(); err != nil {
			return err
		}
		file := filepath.Join(dir, filepath.FromSlash(name))
		mask, err := imageio.OpenMask(file)
		switch {
		case err == nil:
			e.Labels = append(e.Labels, LabelFile{Name: printable(imageStem(name)), Grid: mask.Grid(), read: r.maskReader(file)})
		case errors.Is(err, imageio.ErrUnsupported):
			other++
		default:
			other++
			e.Problems = append(e.Problems, FileProblem{Path: filepath.Join(p.root, name), Err: inPrint(err)})
		}
		op.progress.step()
	}
	if len(e.Labels) > 0 {
		e.found = append(e.found, labelIssue(len(e.Labels)))
	}
	if other > 0 {
		e.found = append(e.found, Issue{Code: NonImage, Severity: Note, Text: fmt.Sprintf(
			"%s beside the DICOM images %s not opened; open such a file by itself to see it", plural(other, "NIfTI, MetaImage or NRRD file"), wasWere(other))})
	}
	return nil
}
