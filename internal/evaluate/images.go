package evaluate

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bayeslice/internal/exam"
	"bayeslice/internal/imageio"
	"bayeslice/internal/volume"
)

// figureName stands for the panels of Figure 3 among what a result lacks.
const figureName = "Figure 3"

// imageStems are names of an exam's T2W image, after the exam's own: Bayeslice's and PI-CAI's, and nnU-Net's first
// channel. In a folder that holds images alone there may be nothing after it.
var imageStems = []string{"_t2w", "_T2W", "_t2", "_T2", "_0000"}

// t2wPath finds the T2W image of an exam in a folder: a file of its name, or the sub-folder that holds the exam. It
// fails with [ErrFolder].
func t2wPath(dir, id string, imagesAlone bool) (string, error) {
	stems := imageStems
	if imagesAlone {
		stems = append(slices.Clone(stems), "")
	}
	for _, s := range stems {
		for _, ending := range imageEndings {
			path := filepath.Join(dir, id+s+ending)
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				return path, nil
			}
		}
	}
	path := filepath.Join(dir, id)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return path, nil
	}
	return "", fmt.Errorf("%w: %s holds no image of exam %q; its T2W image is called %s_t2w%s there, or lies with the exam in a sub-folder of its name", ErrFolder, dir, id, id, imageEndings[0])
}

// readT2W reads what t2wPath found.
func readT2W(ctx context.Context, path string) (*volume.Volume, error) {
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		image, err := imageio.Open(path)
		if err != nil {
			return nil, err
		}
		if len(image.Volumes) != 1 {
			return nil, badExam("%s holds %d images; the T2W image is one", path, len(image.Volumes))
		}
		return image.Volumes[0], nil
	}
	e, err := exam.Open(ctx, path, exam.Options{})
	if err != nil {
		return nil, err
	}
	s := e.Chosen(exam.T2W)
	if s == nil || s.Volume == nil {
		return nil, badExam("no series of %s is a T2W image; name the folder of images", path)
	}
	return s.Volume, nil
}

// figureExam is the exam of which an example is kept.
type figureExam struct {
	id    string
	image string // path of the T2W image; "" for none
	asked bool   // the user named the folder of images
}

// figure finds what is needed for the example. It fails with [ErrSettings] where there is no such exam, and with
// [ErrFolder] where a folder of images was named and holds none of it.
func (o *Options) figure(pairs []Pair) (figureExam, error) {
	f := figureExam{id: o.FigureExam, asked: o.Images != ""}
	if f.id == "" {
		if f.asked {
			return f, fmt.Errorf("%w: a folder of images is for the figure of an exam; name the exam too", ErrSettings)
		}
		return f, nil
	}
	names := make([]string, 0, len(pairs))
	for _, p := range pairs {
		if p.ID == f.id {
			var err error
			if f.asked {
				f.image, err = t2wPath(o.Images, f.id, true)
			} else if path, missing := t2wPath(o.Labels, f.id, false); missing == nil {
				f.image = path
			}
			return f, err
		}
		names = append(names, p.ID)
	}
	if len(names) > 5 {
		names = append(names[:5], "…")
	}
	return f, fmt.Errorf("%w: there is no exam %q to draw; there are %s", ErrSettings, f.id, strings.Join(names, ", "))
}

// example makes the example of an exam that was read, and notes where that is impossible: the figures of the cohort do not
// depend on it.
func (f figureExam) example(ctx context.Context, e *Evaluator, x *Exam, explain func(error) string) (*Example, string) {
	if f.id != x.ID {
		return nil, ""
	}
	var t2w *volume.Volume
	why := ""
	if f.image != "" {
		var err error
		if t2w, err = readT2W(ctx, f.image); err != nil {
			if f.asked {
				return nil, explain(err)
			}
			why = "drawn without its image: " + explain(err)
		}
	}
	found, err := NewExample(ctx, e.settings.Task, x, t2w)
	if err != nil {
		return nil, explain(err)
	}
	return found, why
}
