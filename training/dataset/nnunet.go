package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"bayeslice/internal/exam"
	"bayeslice/internal/imageio"
	"bayeslice/internal/volume"
)

// imageEndings are the files that are read, the longest first.
var imageEndings = imageio.Extensions()

// Names of an nnU-Net raw dataset.
const (
	datasetJSON = "dataset.json"
	imagesTr    = "imagesTr"
	labelsTr    = "labelsTr"
)

// picaiCase is how PI-CAI names cases: patient, then study.
var picaiCase = regexp.MustCompile(`^(\d+)_\d+$`)

// nnunet is an nnU-Net raw dataset.
type nnunet struct {
	root  string
	json  nnunetJSON
	roles map[string]int // file number by role
	table classTable
}

// listNNUNet lists the training cases of an nnU-Net raw dataset.
func (o *Options) listNNUNet() ([]*source, error) {
	data, err := readSmall(filepath.Join(o.Path, datasetJSON), maxDatasetJSON, ErrData)
	if err != nil {
		return nil, err
	}
	n := &nnunet{root: o.Path}
	if n.json, err = parseNNUNet(data); err != nil {
		return nil, err
	}
	if n.roles, err = n.json.channelRoles(o); err != nil {
		return nil, err
	}
	if n.table, err = n.json.table(o); err != nil {
		return nil, err
	}
	cases, err := n.cases()
	if err != nil {
		return nil, err
	}
	patients, err := o.patientsOf(slices.Collect(maps.Keys(cases)))
	if err != nil {
		return nil, err
	}
	var out []*source
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		s := n.source(name, cases[name], o)
		s.patient = patients[name]
		if m := picaiCase.FindStringSubmatch(name); s.patient == "" && m != nil {
			s.patient = m[1]
		}
		out = append(out, s)
	}
	return out, nil
}

// nnunetFiles are the files of one case: images by their number, and the label.
type nnunetFiles struct {
	images map[int]string
	label  string
}

// cases finds the files of each case: those that dataset.json lists, else those in imagesTr and labelsTr.
func (n *nnunet) cases() (map[string]nnunetFiles, error) {
	out := map[string]nnunetFiles{}
	if len(n.json.Cases) > 0 {
		for name, c := range n.json.Cases {
			files := nnunetFiles{images: map[int]string{}}
			if c.Label != "" {
				files.label = filepath.Join(n.root, filepath.FromSlash(c.Label))
			}
			for i, image := range c.Images {
				files.images[i] = filepath.Join(n.root, filepath.FromSlash(image))
			}
			out[name] = files
		}
		return out, nil
	}
	images, err := n.names(imagesTr)
	if err != nil {
		return nil, err
	}
	for _, stem := range images {
		cut := strings.LastIndexByte(stem, '_')
		number, err := strconv.Atoi(stem[cut+1:])
		if cut <= 0 || err != nil || len(stem)-cut != 5 {
			return nil, fmt.Errorf("%w: the file %s in %s does not end in the number of a channel; rename it as CASE_0000%s", ErrData, stem+n.json.Ending, imagesTr, n.json.Ending)
		}
		name := stem[:cut]
		if out[name].images == nil {
			out[name] = nnunetFiles{images: map[int]string{}}
		}
		out[name].images[number] = filepath.Join(n.root, imagesTr, stem+n.json.Ending)
	}
	labels, err := n.names(labelsTr)
	if err != nil {
		return nil, err
	}
	for _, stem := range labels {
		files := out[stem]
		files.label = filepath.Join(n.root, labelsTr, stem+n.json.Ending)
		out[stem] = files
	}
	return out, nil
}

// names lists the files of a folder that have the dataset's ending, without it.
func (n *nnunet) names(folder string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(n.root, folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: the folder %s is not there beside %s; give the folder of a whole nnU-Net raw dataset", ErrData, folder, datasetJSON)
	}
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	var out []string
	for _, e := range entries {
		if stem, ok := strings.CutSuffix(e.Name(), n.json.Ending); ok && stem != "" && !strings.HasPrefix(stem, ".") {
			out = append(out, stem)
		}
	}
	return out, nil
}

// source makes one case.
func (n *nnunet) source(name string, files nnunetFiles, o *Options) *source {
	s := &source{name: name, table: n.table, mask: files.label}
	images := map[string]string{} // by role
	var missing error
	for _, c := range o.Recipe.Channels {
		number := n.roles[c.Role]
		image, ok := files.images[number]
		if !ok {
			missing = cmpErr(missing, fmt.Errorf("it has no %s image (%s_%04d%s, channel %q); add it, or leave the exam out",
				c.Role, name, number, n.json.Ending, n.json.Channels[number]))
		}
		images[c.Role] = image
		s.files = append(s.files, image)
	}
	if len(files.images) == 0 {
		missing = fmt.Errorf("it has a label, but no images in %s; add them, or move the label away", imagesTr)
	}
	if files.label == "" {
		missing = cmpErr(missing, fmt.Errorf("it has no label file in %s; add it, or move its images away", labelsTr))
	}
	s.files = append(s.files, files.label)
	s.bad = missing
	s.open = func(ctx context.Context) (*exam.Exam, error) { return openRoles(ctx, images) }
	return s
}

// cmpErr keeps the first of two errors.
func cmpErr(first, err error) error {
	if first != nil {
		return first
	}
	return err
}

// openRoles makes an exam of image files whose roles are known. Voxels that are not finite are refused: the
// reader would make them 0.
func openRoles(ctx context.Context, images map[string]string) (*exam.Exam, error) {
	e := &exam.Exam{Roles: map[exam.Role]exam.Choice{}}
	for _, role := range slices.Sorted(maps.Keys(images)) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		v, err := openImage(images[role])
		if err != nil {
			return nil, err
		}
		e.Series = append(e.Series, &exam.Series{ID: role, Description: role, Volume: v, Images: 1})
	}
	for role := range images {
		with, err := e.With(examRoles[role], role)
		if err != nil {
			return nil, err
		}
		e = with
	}
	return e, nil
}

// openImage reads an image of one frame and finite values.
func openImage(path string) (*volume.Volume, error) {
	img, err := imageio.Open(path)
	if err != nil {
		return nil, err
	}
	if err := finite(path, img); err != nil {
		return nil, err
	}
	if len(img.Volumes) != 1 {
		return nil, fmt.Errorf("its image %s holds %d frames; write one file for each channel", filepath.Base(path), len(img.Volumes))
	}
	return img.Volumes[0], nil
}

// finite fails where voxels of a file are not finite.
func finite(path string, img *imageio.Image) error {
	if img.NotFinite > 0 {
		return fmt.Errorf("its image %s holds %d values that are not finite; correct the file, or leave the exam out", filepath.Base(path), img.NotFinite)
	}
	return nil
}
