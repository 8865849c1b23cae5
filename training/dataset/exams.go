package dataset

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"bayeslice/internal/exam"
	"bayeslice/internal/imageio"
	"bayeslice/internal/modelcard"
)

// source is one exam to prepare: where its images and its mask are.
type source struct {
	name    string
	patient string     // "": that of the images, or the exam's own name
	files   []string   // everything that determines the exam, its mask included
	mask    string     // mask file
	table   classTable // what its values mean
	extra   string     // what determines the exam besides files
	bad     error      // why the exam cannot be used, found without opening it
	open    func(ctx context.Context) (*exam.Exam, error)

	generate func(ctx context.Context) (*pair, error) // instead of open and mask
	made     *Made                                    // instead of all of these
}

// maskNames are what names of mask files hold, by task, in lower case.
var maskNames = map[modelcard.Task]*regexp.Regexp{
	modelcard.Anatomy:   regexp.MustCompile(`zones?([^a-z]|$)|(^|[^a-z])(tz|pz)[^a-z]?(tz|pz)([^a-z]|$)|anatomy`),
	modelcard.Diagnosis: regexp.MustCompile(`lesions?([^a-z]|$)|cs_?pca|tumou?r|cancer`),
}

// anyMask is what names of mask files hold, whatever they mark.
var anyMask = regexp.MustCompile(`(^|[^a-z])(masks?|labels?|seg|segmentation|gt|annotations?|rois?|gland|wg|zones?|lesions?|tz|pz)([^a-z]|$)|cs_?pca|tumou?r|cancer|anatomy`)

// maskFolders are where masks are looked for, besides the exams' own folders.
var maskFolders = []string{"masks", "labels"}

// listExams lists the exams of a folder: those of its manifest, else its sub-folders, archives and images.
func (o *Options) listExams() ([]*source, error) {
	table, err := o.maskTable()
	if err != nil {
		return nil, err
	}
	if o.MaskPattern != "" {
		if _, err := path.Match(o.MaskPattern, "x"); err != nil {
			return nil, fmt.Errorf("%w: %q is no pattern of file names; write one such as zones_*", ErrData, o.MaskPattern)
		}
	}
	if info, err := os.Stat(o.Masks); o.Masks != "" && (err != nil || !info.IsDir()) {
		return nil, fmt.Errorf("%w: the folder of masks %s is not there; check its path", ErrData, filepath.Base(o.Masks))
	}
	if manifest := o.manifest(); manifest != "" {
		return o.listManifest(manifest, table)
	}
	if one := o.phantomFolder(); one != nil {
		one.table = table
		return []*source{one}, nil
	}
	entries, err := os.ReadDir(o.Path)
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	o.shared = maskFolder(o.Path)
	var out []*source
	for _, e := range entries {
		p := filepath.Join(o.Path, e.Name())
		if strings.HasPrefix(e.Name(), ".") || samePath(p, o.Masks) || samePath(p, o.shared) || samePath(p, o.Cache) {
			continue
		}
		info, err := os.Stat(p) // follows links
		if err != nil || !info.IsDir() && !o.isExamFile(e.Name()) {
			continue
		}
		s := &source{name: imageStem(p), table: table}
		if info.IsDir() {
			s.name = e.Name()
		}
		o.locate(s, p)
		out = append(out, s)
	}
	return out, nil
}

// phantomFolder returns the one exam of a folder that `bayeslice phantom` wrote, nil for another folder.
func (o *Options) phantomFolder() *source {
	info, err := os.Stat(filepath.Join(o.Path, "exam"))
	if err != nil || !info.IsDir() {
		return nil
	}
	if _, err := os.Stat(filepath.Join(o.Path, "labels", "zones.nii.gz")); err != nil {
		return nil
	}
	s := &source{name: filepath.Base(filepath.Clean(o.Path))}
	o.locate(s, o.Path)
	return s
}

// maskFolder returns the folder of masks beside the exams, "" where there is none.
func maskFolder(root string) string {
	for _, name := range maskFolders {
		p := filepath.Join(root, name)
		if info, err := os.Stat(p); err == nil && info.IsDir() {
			return p
		}
	}
	return ""
}

// samePath reports whether two paths are of one file or folder.
func samePath(a, b string) bool {
	if b == "" {
		return false
	}
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// isExamFile reports whether a file beside the folders of exams is an exam by itself.
func (o *Options) isExamFile(name string) bool {
	if strings.EqualFold(filepath.Ext(name), ".zip") {
		return true
	}
	return isImage(name) && !anyMask.MatchString(strings.ToLower(imageStem(name))) && !o.matches(name)
}

// matches reports whether a file's name fits the user's pattern of masks.
func (o *Options) matches(name string) bool {
	if o.MaskPattern == "" {
		return false
	}
	ok, _ := path.Match(o.MaskPattern, name) // the pattern was checked
	stem, _ := path.Match(o.MaskPattern, imageStem(name))
	return ok || stem
}

// locate fills in a source whose images are at a path: its files, its mask, and how it is opened.
func (o *Options) locate(s *source, at string) {
	var images []string
	files, err := filesIn(at)
	if err != nil {
		s.bad = fmt.Errorf("it cannot be read (%w); check its path", pathCause(err))
		return
	}
	for _, f := range files {
		if isImage(f) {
			images = append(images, f)
		}
	}
	s.files = files
	if s.mask == "" {
		s.mask, s.bad = o.findMask(s.name, at, images)
	}
	if strings.EqualFold(filepath.Ext(s.mask), ".dcm") {
		s.bad = fmt.Errorf("its mask is a DICOM file, and DICOM SEG is not read yet; convert it to NIfTI or MHA")
	}
	if s.bad == nil && !slices.Contains(s.files, s.mask) {
		s.files = append(slices.Clone(s.files), s.mask)
	}
	s.open = func(ctx context.Context) (*exam.Exam, error) { return openPath(ctx, at, images) }
}

// findMask finds the mask file of an exam: in the user's folder of masks where there is one, else in the one
// beside the exams, else beside the images. The error is a clause.
func (o *Options) findMask(name, at string, images []string) (string, error) {
	where := ""
	var chosen []string
	for _, dir := range []string{o.Masks, o.shared} {
		if dir == "" || len(chosen) > 0 {
			continue
		}
		all, err := o.masksIn(dir)
		if err != nil {
			return "", fmt.Errorf("the folder of masks cannot be read (%w)", pathCause(err))
		}
		where = "in the folder of masks"
		chosen = o.pickMasks(belonging(all, dir, name), true)
	}
	if len(chosen) == 0 && o.Masks == "" {
		where = "beside its images"
		candidates, err := besideFile(name, at, images)
		if err != nil {
			return "", pathCause(err)
		}
		chosen = o.pickMasks(candidates, false)
	}
	switch len(chosen) {
	case 1:
		return chosen[0], nil
	case 0:
		return "", fmt.Errorf("no mask for it was found %s (NIfTI or MHA; DICOM SEG is not read yet); add one, give the folder of the masks, or list both in exams.csv", where)
	}
	bases := make([]string, len(chosen))
	for i, f := range chosen {
		bases[i] = filepath.Base(f)
	}
	return "", fmt.Errorf("several masks for it were found %s (%s); choose with a mask pattern, or list them in exams.csv", where, some(bases))
}

// masksIn lists a folder of masks, which is read once.
func (o *Options) masksIn(dir string) ([]string, error) {
	if files, ok := o.listings[dir]; ok {
		return files, nil
	}
	files, err := filesIn(dir)
	if err == nil {
		o.listings[dir] = files
	}
	return files, err
}

// besideFile returns the image files of an exam's folder, or where the exam is one file, those beside it that
// are named after it.
func besideFile(name, at string, images []string) ([]string, error) {
	if info, err := os.Stat(at); err != nil || info.IsDir() {
		return images, err
	}
	entries, err := os.ReadDir(filepath.Dir(at))
	if err != nil {
		return nil, err
	}
	var all []string
	for _, e := range entries {
		if e.Type().IsRegular() && e.Name() != filepath.Base(at) {
			all = append(all, filepath.Join(filepath.Dir(at), e.Name()))
		}
	}
	return belonging(all, filepath.Dir(at), name), nil
}

// pickMasks returns the files that are masks of the task: those of the user's pattern, else those named
// after the task, else, where all are known to be masks or one alone is named as a mask, these.
func (o *Options) pickMasks(files []string, allMasks bool) []string {
	if o.MaskPattern != "" {
		return filter(files, func(f string) bool { return o.matches(filepath.Base(f)) })
	}
	stem := func(f string) string { return strings.ToLower(imageStem(f)) }
	named := filter(files, func(f string) bool { return maskNames[o.Task].MatchString(stem(f)) })
	if len(named) > 0 {
		return named
	}
	other := modelcard.Diagnosis
	if o.Task == modelcard.Diagnosis {
		other = modelcard.Anatomy
	}
	return filter(files, func(f string) bool {
		return (allMasks || anyMask.MatchString(stem(f))) && !maskNames[other].MatchString(stem(f))
	})
}

// filter returns the elements for which keep is true.
func filter(files []string, keep func(string) bool) []string {
	return slices.DeleteFunc(slices.Clone(files), func(f string) bool { return !keep(f) })
}

// belonging returns the image files in a folder of masks that are named after an exam: the file, or the
// folder it is in, has the exam's name, alone or before a character that is neither letter nor digit.
func belonging(files []string, root, exam string) []string {
	return filter(files, func(f string) bool {
		rel, err := filepath.Rel(root, f)
		if err != nil || !isImage(f) {
			return false
		}
		parts := strings.Split(filepath.ToSlash(rel), "/")
		parts[len(parts)-1] = imageStem(f)
		return slices.ContainsFunc(parts, func(p string) bool { return named(p, exam) })
	})
}

// named reports whether a name is an exam's, or begins with it.
func named(name, exam string) bool {
	rest, ok := strings.CutPrefix(name, exam)
	if !ok || rest == "" {
		return ok
	}
	c := rest[0]
	return c < '0' || c > '9' && c < 'A' || c > 'Z' && c < 'a' || c > 'z' && c < 0x80
}

// openPath opens an exam and refuses image files with values that are not finite, which readers make 0.
func openPath(ctx context.Context, at string, images []string) (*exam.Exam, error) {
	e, err := exam.Open(ctx, at, exam.Options{})
	if err != nil {
		return nil, err
	}
	for _, role := range exam.ReadingRoles {
		s := e.Chosen(role)
		if s == nil || !slices.ContainsFunc(e.Issues, func(i exam.Issue) bool { return i.Code == exam.ReaderNote && i.Series == s.ID }) {
			continue
		}
		for _, f := range images {
			if imageStem(f) != s.Description {
				continue
			}
			img, err := imageio.Open(f)
			if err == nil {
				err = finite(f, img)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return e, nil
}

// filesIn lists the regular files of a folder in depth, sorted; a file is its own list. Links are followed,
// each real folder once.
func filesIn(at string) ([]string, error) {
	var out []string
	seen := map[string]bool{}
	var walk func(p string) error
	walk = func(p string) error {
		info, err := os.Stat(p)
		if err != nil {
			return err
		}
		if !info.IsDir() {
			if info.Mode().IsRegular() {
				out = append(out, p)
			}
			return nil
		}
		real, err := filepath.EvalSymlinks(p)
		if err != nil || seen[real] {
			return err
		}
		seen[real] = true
		entries, err := os.ReadDir(p)
		for _, e := range entries {
			if err := walk(filepath.Join(p, e.Name())); err != nil && !os.IsNotExist(err) && !os.IsPermission(err) {
				return err
			}
		}
		return err
	}
	err := walk(at)
	slices.Sort(out)
	return out, err
}

// pathCause takes the path out of an operating-system error.
func pathCause(err error) error {
	if p, ok := err.(*fs.PathError); ok { //nolint:errorlint // exactly what os returns
		return p.Err
	}
	return err
}
