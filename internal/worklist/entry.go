package worklist

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"bayeslice/internal/review"
)

// State says how far the work on an exam is.
type State string

// States. The words are those of the file.
const (
	NotStarted State = "not started"
	InProgress State = "in progress" // saved in between
	Completed  State = "completed"   // accepted
	Flagged    State = "flagged"     // put aside for somebody else's eyes; the note says why
)

// States lists all states in the order in which work goes on.
func States() []State { return []State{NotStarted, InProgress, Completed, Flagged} }

// ParseState reads a state: its word, any case, blanks or hyphens between words. It fails with [ErrState].
func ParseState(word string) (State, error) {
	told := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(word)), "-", " ")
	for _, s := range States() {
		if told == string(s) {
			return s, nil
		}
	}
	return "", fmt.Errorf("%w: %q; use not-started, in-progress, completed or flagged", ErrState, word)
}

// Open reports whether work on an exam is still to be done: neither completed nor put aside.
func (s State) Open() bool { return s != Completed && s != Flagged }

// Score is what sampling an exam told. It depends on the exam's voxels, the model, the number of samples and the seed alone.
type Score struct {
	Model      string                  `json:"model"`     // its name
	Predictor  string                  `json:"predictor"` // [Predictor.Key]
	Content    string                  `json:"content"`   // [ContentKey] of the exam that was sampled
	ErrorML    float64                 `json:"errorML"`   // expected error of the segmentation, mL
	EntropyML  float64                 `json:"entropyML"` // volume-weighted entropy, nats · mL
	Structures []review.StructureError `json:"structures"`
	Spots      []review.Spot           `json:"spots"` // the first few
	SpotCount  int                     `json:"spotCount"`
}

// Why says in English what makes the exam uncertain: the worst spot and how many there are.
func (s *Score) Why() string {
	switch {
	case s == nil:
		return ""
	case len(s.Spots) == 0:
		return "no uncertain spot"
	case s.SpotCount == 1:
		return s.Spots[0].Reason()
	}
	return fmt.Sprintf("%s; %d spots", s.Spots[0].Reason(), s.SpotCount)
}

// Entry is one exam of a list.
type Entry struct {
	Path  string `json:"path"`            // of its folder or ZIP, relative to the folder of exams, with slashes
	Study string `json:"study,omitempty"` // exam.Key, where the place holds several exams
	State State  `json:"state"`
	Note  string `json:"note,omitempty"` // the user's own words
	// Changed is when state or note were changed last; the zero time where they never were.
	Changed  time.Time `json:"changed,omitzero"`
	Seconds  float64   `json:"seconds,omitempty"`  // spent on it by the user, see [Store.AddWork]
	EditedML float64   `json:"editedML,omitempty"` // labels changed by the user, see [Store.AddWork]
	Exam     string    `json:"exam,omitempty"`     // exam.Key; "" until it was opened
	Stamp    string    `json:"stamp,omitempty"`    // of the files when it was last opened
	Problem  string    `json:"problem,omitempty"`  // why it could not be opened or sampled, a sentence
	Score    *Score    `json:"score,omitempty"`    // nil until it was sampled
	Missing  bool      `json:"missing,omitempty"`  // it was here in an earlier session and is not now
}

// ID names the entry within its list. It holds the folder's name.
func (e Entry) ID() string {
	if e.Study == "" {
		return e.Path
	}
	return e.Path + "#" + e.Study[:min(8, len(e.Study))]
}

// Title is the name to show: the folder's as the user knows it, and which study of it.
func (e Entry) Title() string {
	if e.Study == "" {
		return e.Path
	}
	return fmt.Sprintf("%s (%s)", e.Path, studyName(e.Study))
}

// Alias is a name that shows no folder's: that of the study, "Study 4F2A", or as long as it was not opened
// one made from a hash of the folder's.
func (e Entry) Alias() string {
	if e.Exam != "" {
		return studyName(e.Exam)
	}
	sum := sha256.Sum256([]byte(e.ID()))
	return "Exam " + strings.ToUpper(hex.EncodeToString(sum[:2]))
}

func studyName(key string) string { return "Study " + strings.ToUpper(key[:min(4, len(key))]) }

// touched reports whether the entry holds anything of the user's.
func (e Entry) touched() bool {
	return e.State != NotStarted || e.Note != "" || !e.Changed.IsZero() || e.Seconds > 0
}
