package calibrate

import (
	"fmt"
	"slices"

	"bayeslice/internal/jsonfile"
)

// QuizFormat is the version of a file of quiz results that this program writes.
const QuizFormat = 1

// Answer is what was said about one spot. It names neither the exam nor the place in it.
type Answer struct {
	Stated float64            `json:"stated"` // by the person, 0…1
	Models map[string]float64 `json:"models"` // by each model, 0…1, by its title
	True   bool               `json:"true"`
}

// Round is one finished quiz.
type Round struct {
	Structure string   `json:"structure"` // "WG", "TZ", "PZ" or "csPCa"
	Answers   []Answer `json:"answers"`
}

// QuizLog is every round that was kept, oldest first. It holds no identity of a patient or a student.
type QuizLog struct {
	Rounds []Round `json:"rounds"`
}

// With returns the log with one more round; the log itself stays as it is.
func (l QuizLog) With(r Round) QuizLog {
	return QuizLog{Rounds: append(slices.Clone(l.Rounds), r)}
}

// Stated returns what the person said about a structure over all rounds; "" is every structure.
func (l QuizLog) Stated(structure string) []Statement {
	return l.statements(structure, func(a Answer) (float64, bool) { return a.Stated, true })
}

// ByModel returns what a model said of the same spots.
func (l QuizLog) ByModel(structure, model string) []Statement {
	return l.statements(structure, func(a Answer) (float64, bool) { p, ok := a.Models[model]; return p, ok })
}

func (l QuizLog) statements(structure string, of func(Answer) (float64, bool)) []Statement {
	var out []Statement
	for _, r := range l.Rounds {
		if structure != "" && r.Structure != structure {
			continue
		}
		for _, a := range r.Answers {
			if p, ok := of(a); ok {
				out = append(out, Statement{P: p, True: a.True})
			}
		}
	}
	return out
}

// ReadQuiz reads a file of quiz results; one that is not there is an empty log. It fails with [ErrQuiz] for a file that
// cannot be read, is damaged, or was written by a later version.
func ReadQuiz(path string) (QuizLog, error) {
	var l QuizLog
	if _, err := jsonfile.Open(path, QuizFormat, &l); err != nil {
		return QuizLog{}, fmt.Errorf("%w: %w", ErrQuiz, err)
	}
	for _, r := range l.Rounds {
		for _, a := range r.Answers {
			if !a.sound() {
				return QuizLog{}, fail(ErrQuiz, "%s holds what is no probability; move it away to start afresh", path)
			}
		}
	}
	return l, nil
}

// sound reports whether every number is a probability.
func (a Answer) sound() bool {
	for _, p := range a.Models {
		if !(p >= 0 && p <= 1) {
			return false
		}
	}
	return a.Stated >= 0 && a.Stated <= 1
}

// Write writes the log whole or not at all; the folder is made where it is missing. It fails as [ReadQuiz] does for a
// file that is there and was not written by this version, and else as codec.WriteFile does.
func (l QuizLog) Write(path string) error {
	f, err := jsonfile.Open(path, QuizFormat, &QuizLog{})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrQuiz, err)
	}
	return f.Save(l)
}
