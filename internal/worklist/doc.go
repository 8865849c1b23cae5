// Package worklist keeps a work list over a folder of exams: which exams there are, how far the work on each is, which
// one most needs a person, and why. The list is one JSON file that the user owns, beside the exams or where the user
// says; each change is written at once, whole or not at all.
//
// An exam is a sub-folder or a ZIP file, and where one of these holds several studies, each of them. Nothing is read
// of it until [Store.Sample] opens it, predicts it with the [Predictor] it is given, and ranks it by the expected volume
// of error (package review). An exam that cannot be opened stays in the list with the sentence that says why.
//
// The file holds the names that the user gave to folders, notes, states and figures, and no other identity of a
// patient; [Entry.Alias] is a name without any of it. A [List] is immutable. A [Store] is safe for concurrent use; what
// another process has written to the same file in the meantime is kept.
package worklist

import "errors"

var (
	// ErrList marks a work list file that cannot be used: damaged, of a newer version, or of another folder. It is left
	// as it is.
	ErrList = errors.New("worklist: unusable work list")
	// ErrFolder marks a place that is no folder of exams.
	ErrFolder = errors.New("worklist: no folder of exams")
	// ErrNoEntry marks an exam that is not in the list.
	ErrNoEntry = errors.New("worklist: no such exam in the list")
	// ErrState marks a word that is no state.
	ErrState = errors.New("worklist: not a state")
	// ErrRunning marks a second sampling of a list while one is under way.
	ErrRunning = errors.New("worklist: the exams are being sampled already; wait for it, or cancel it first")
)
