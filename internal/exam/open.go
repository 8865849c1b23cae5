package exam

import (
	"context"
	"errors"
	"fmt"
)

// Sentinels of [Open]. Every error it returns wraps one of them, or is ctx's error, or an
// operating-system error of the path itself. No error text holds identity or a folder name.
var (
	ErrNoImages    = errors.New("exam: no images found")
	ErrUnreadable  = errors.New("exam: unreadable")
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
	Stage       string // "reading headers" or "reading images"
	Done, Total int    // files
}

// StudyInfo describes one of several studies without identity.
type StudyInfo struct {
	Key    string // [Exam.Key] it would get
	Name   string // "Study 4F2A"
	Date   string // StudyDate as YYYY-MM-DD, or ""
	Series int    // number of DICOM series
}

// SeveralExamsError says that a place holds more than one study. It matches [ErrSeveralExams].
type SeveralExamsError struct{ Studies []StudyInfo }

// ErrSeveralExams is matched by [SeveralExamsError].
var ErrSeveralExams = errors.New("exam: several exams in one place")

// Error lists the studies and what to do.
func (e *SeveralExamsError) Error() string {
	text := fmt.Sprintf("exam: %d exams in one place:", len(e.Studies))
	for i, s := range e.Studies {
		if i > 0 {
			text += ";"
		}
		date := s.Date
		if date == "" {
			date = "no date"
		}
		text += fmt.Sprintf(" %s (%s, %d series)", s.Name, date, s.Series)
	}
	return text + "; open the folder of one of them, or choose with --study and its four letters"
}

// Is reports whether target is [ErrSeveralExams].
func (e *SeveralExamsError) Is(target error) bool { return target == ErrSeveralExams }

// Open reads the exam at path: a folder (searched in depth; other files in it are counted, not
// fatal), a ZIP, a DICOMDIR (the files it lists), a DICOM file (then the study it belongs to, from
// the folder it lies in, since one file of a series is of no use alone), or a NIfTI or MetaImage
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
