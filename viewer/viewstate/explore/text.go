package explore

import (
	"strings"

	"bayeslice/internal/calibrate"
	"bayeslice/internal/lang"
	"bayeslice/internal/metrics"
	"bayeslice/viewer/viewstate"
)

// Regions lists the regions in display order.
var Regions = [...]calibrate.RegionKind{calibrate.NearGland, calibrate.Whole, calibrate.Segment}

// RegionName returns a region's display name.
func RegionName(r calibrate.RegionKind) string {
	switch r {
	case calibrate.Whole:
		return lang.T("Whole image")
	case calibrate.Segment:
		return lang.T("Predicted or labelled")
	default:
		return lang.T("Gland + %d mm", calibrate.DefaultMarginMM)
	}
}

// Meaning is what a figure of the table tells, in a sentence.
type Meaning struct{ Name, Text string }

// Meanings explains the figures of the table.
func Meanings() []Meaning {
	return []Meaning{
		{"ECE", lang.T("Expected calibration error: how far, on average, the stated probability is from how often it comes true. 0 is perfect.")},
		{"NLL", lang.T("Negative log-likelihood in nats: the surprise at the truth. Being sure and wrong costs most; smaller is better.")},
		{"Brier", lang.T("Mean squared distance between probability and truth: it wants calibration and sharpness together. 0 is perfect, 0.25 is always saying 50 %.")},
	}
}

// ReferenceText says what predictions are judged by, or what to do where there is nothing; missing tells which.
func (x *Explore) ReferenceText() (text string, missing bool) {
	r := x.s.Reference()
	switch {
	case x.s.Exam() == nil:
		return lang.T("Open an exam first."), true
	case r == nil && x.s.Exam().Synthetic:
		return lang.T("Without a reference nothing can be judged: use the phantom’s own labels, or load a mask."), true
	case r == nil:
		return lang.T("Without a reference nothing can be judged: load a mask with the zones or lesions of this exam."), true
	}
	return lang.T("Judged by: %s", r.Name), false
}

// FitNote says what the temperatures are worth; "" where they are not fitted.
func (x *Explore) FitNote() string {
	if !x.settings.Fitted {
		return ""
	}
	text := lang.T("Fitted on this exam only, by the voxels that it is judged on: it says nothing about other exams.")
	var ends []string
	for _, o := range x.outcomes {
		if o.Fit != nil && o.Fit.AtBound {
			ends = append(ends, o.Title)
		}
	}
	if len(ends) > 0 {
		text += " " + lang.T("At the end of the range, where no temperature explains the truth: %s.", strings.Join(ends, ", "))
	}
	return text
}

// SamplesNote says what fewer samples leave out; "" where all are used.
func (x *Explore) SamplesNote() string {
	kept, n := 0, 0
	for _, o := range x.outcomes {
		if o.Result != nil {
			kept, n = max(kept, o.Result.Kept), max(n, o.Result.N)
		}
	}
	if kept == 0 {
		return ""
	}
	return lang.T("%d of %d voxels lie outside the box whose samples were kept; they keep the mean of all.", kept, n)
}

// BinText says what the selected bin holds, model by model; "" where none is selected.
func (x *Explore) BinText() string {
	if x.bin < 0 {
		return ""
	}
	lo, hi := 100*x.bin/bins, 100*(x.bin+1)/bins
	text := lang.T("Stated %d–%d %%:", lo, hi)
	for _, o := range x.outcomes {
		if o.Result == nil {
			continue
		}
		b := o.Result.Reliability[x.bin]
		if b.Voxels == 0 {
			text += "  " + lang.T("%s no voxel.", o.Title)
			continue
		}
		text += "  " + lang.T("%s %d voxels, %.0f %% true.", o.Title, b.Voxels, 100*b.Frequency)
	}
	return text
}

// Curve is one line of a reliability diagram.
type Curve struct {
	Title  string
	Style  Style
	Points []metrics.Bin // bins that hold something, from low to high
}

// Curves returns the reliability of each judged model.
func (x *Explore) Curves() []Curve {
	var out []Curve
	for slot, o := range x.outcomes {
		if o.Result != nil && o.Title != "" {
			out = append(out, Curve{o.Title, StyleOf(slot), filled(o.Result.Reliability)})
		}
	}
	return out
}

// QuizCurves returns the reliability of the person and of the models on the spots of the quiz.
func (x *Explore) QuizCurves() []Curve {
	var out []Curve
	for _, s := range x.Scores() {
		out = append(out, Curve{s.Title, s.Style, filled(s.Reliability)})
	}
	return out
}

func filled(all []metrics.Bin) []metrics.Bin {
	var out []metrics.Bin
	for _, b := range all {
		if b.Voxels > 0 {
			out = append(out, b)
		}
	}
	return out
}

// Row is what the samples of one model say at the pinned voxel.
type Row struct {
	Title     string
	Style     Style
	Histogram []viewstate.Histogram // by class of [Explore.VoxelClasses]
	Note      string                // why there is none, a sentence
}

// VoxelClasses lists the classes of the compared models in display order.
func (x *Explore) VoxelClasses() []viewstate.Class {
	var out []viewstate.Class
	for _, c := range viewstate.Classes {
		if c.Task() == x.Task() {
			out = append(out, c)
		}
	}
	return out
}

// VoxelRows returns the distributions of every compared model at the pinned voxel; pinned is false where none is.
func (x *Explore) VoxelRows() (rows []Row, pinned bool) {
	world, pinned := x.s.Pinned()
	for slot := range Slots {
		c := x.s.Compared(slot)
		if c.Title == "" {
			continue
		}
		row := Row{Title: c.Title, Style: StyleOf(slot)}
		if pinned && x.Active() {
			for _, class := range x.VoxelClasses() {
				h, note := x.s.VoxelHistogram(slot, class, world)
				if note != "" {
					row.Note = note
					break
				}
				row.Histogram = append(row.Histogram, h)
			}
		}
		rows = append(rows, row)
	}
	return rows, pinned
}
