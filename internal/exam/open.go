package exam

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Sentinels of [Open]. Every error it returns wraps one of them, or is ctx's error, or an
// operating-system error of the path itself. No error text holds identity or a folder name.
var (
	ErrNoImages    = errors.New("exam: no images found")
	ErrUnreadable  = errors.New("exam: unreadable")    // damaged, cut short or not to be read
	ErrUnsupported = errors.New("exam: not supported") // whole, but of a kind that is not read; the text says what to do
	ErrSingleSlice = errors.New("exam: only single slices, no volume")
	ErrTooLarge    = errors.New("exam: larger than this program reads")
	ErrNoSuchStudy = errors.New("exam: no such study here")
	ErrNoSuchRole  = errors.New("exam: not a role that can be chosen")
	ErrNoSuch      = errors.New("exam: no such series")
)

// Options of [Open]. The zero value opens with the rules alone.
type Options struct {
	// Study selects one of several studies found in one place: an [Exam.Key], or its first
	// letters as shown in the exam's Name ("4F2A", any case).
	Study string
	// Overrides are the user's earlier choices, applied after the rules; nil: none.
	Overrides *Overrides
	// Progress is called from worker goroutines, one call at a time; nil: not called.
	Progress func(Progress)
	// Salt keys [Exam.Key]. Nil is the application's own constant: enough to keep a UID from
	// being read off a file, not enough against somebody who already holds a list of UIDs and
	// wants to confirm one; such an installation gives its own secret, always the same.
	Salt []byte
}

// Progress is how far [Open] has come. Total can grow once, between the two stages.
type Progress struct {
	Stage       string // "looking for files", "reading headers" or "reading images"
	Done, Total int    // files; Total is 0 while nobody knows how many there are
}

// StudyInfo describes one of several studies. Its date aside, it has no identity.
type StudyInfo struct {
	Key        string   // [Exam.Key] it would get
	Name       string   // "Study 4F2A"
	Date       string   // StudyDate as YYYY-MM-DD, or ""; for the window alone, in no text
	Series     int      // number of DICOM series, or of image files
	Images     int      // number of DICOM images; 0 for image files
	Modalities []string // such as "MR", sorted; nil for image files
	Roles      []Role   // the reading roles that the rules find a series for, in their order
}

// what describes a study in a few words: "9 MR series with T2W, ADC; 171 images".
func (s StudyInfo) what() string {
	text := fmt.Sprintf("%d image files", s.Series)
	if s.Images > 0 {
		text = strings.Join(strings.Fields(fmt.Sprintf("%d %s series", s.Series, strings.Join(s.Modalities, "/"))), " ")
	}
	for i, r := range s.Roles {
		if i == 0 {
			text += " with " + r.String()
		} else {
			text += ", " + r.String()
		}
	}
	if s.Images > 0 {
		text += "; " + plural(s.Images, "image")
	}
	return text
}

// SeveralExamsError says that a place holds more than one study. It matches [ErrSeveralExams].
type SeveralExamsError struct{ Studies []StudyInfo }

// ErrSeveralExams is matched by [SeveralExamsError].
var ErrSeveralExams = errors.New("exam: several exams in one place")

// Error lists the studies, without their dates, and what to do.
func (e *SeveralExamsError) Error() string {
	studies := make([]string, len(e.Studies))
	for i, s := range e.Studies {
		studies[i] = fmt.Sprintf("%s (%s)", s.Name, s.what())
	}
	return fmt.Sprintf("exam: %d exams in one place: %s; open the folder of one of them, or choose with --study and its four letters",
		len(e.Studies), strings.Join(studies, ", "))
}

// Is reports whether target is [ErrSeveralExams].
func (e *SeveralExamsError) Is(target error) bool { return target == ErrSeveralExams }

// Open reads the exam at path: a folder (searched in depth; other files in it are counted, not
// fatal), a ZIP, a DICOMDIR (the files it lists), a DICOM file (then the study it belongs to, from
// the folder it lies in, since one file of a series is of no use alone), or a NIfTI, MetaImage or NRRD
// file. It may take seconds; ctx cancels it. What the exam lacks is in its Issues.
func Open(ctx context.Context, path string, o Options) (*Exam, error) {
	op := &opener{options: o, keys: newKeyer(o.Salt), progress: &progress{tell: o.Progress}, maxBytes: maxExam}
	e, err := op.open(ctx, path)
	if err != nil {
		return nil, inPrint(err)
	}
	e.choose()
	e.Synthetic = e.allSynthetic()
	e.Issues = e.judge()
	return e.applyOverrides(o.Overrides), nil
}
