package worklist

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"bayeslice/internal/exam"
	"bayeslice/internal/review"
)

// keptSpots is how many uncertain places of an exam are kept in the file.
const keptSpots = 5

// Predictor samples a model on an exam.
type Predictor interface {
	// Name is the model's, for people.
	Name() string
	// Key is a digest of everything but the exam that a prediction depends on: model, number of samples, seed.
	Key() string
	// Predict returns the mean class probabilities. It returns ctx's error where ctx ends.
	Predict(ctx context.Context, e *exam.Exam) (review.Field, error)
}

// Sampling says how [Store.Sample] works.
type Sampling struct {
	Predictor Predictor // must be set
	// Open opens the exam of a place, Store.Place, or one of its studies; nil is exam.Open with the rules alone.
	Open func(ctx context.Context, place, study string) (*exam.Exam, error)
	// Choices is a digest of the user's choices of series that Open applies, so that a change of them is noticed.
	Choices string
	// Again samples exams anew whose result is known.
	Again bool
	// Review are the limits of what counts as a spot.
	Review review.Options
	// Explain turns an error into the sentence that is kept with an exam; nil takes the error's own words.
	Explain func(error) string
	// Progress is called on Sample's goroutine, also for exams whose result was known, and must return at once; may be nil.
	Progress func(SampleProgress)
}

// SampleProgress says how far sampling a folder is.
type SampleProgress struct {
	Done, Total int    // places; a ZIP with several studies is one
	Known       int    // of them needed no sampling
	Failed      int    // of them could not be opened or sampled
	At          string // ID of the entry that is worked on now; "" at the end
}

// Sample opens and samples every exam whose result is not known, in the order of their paths, and writes each result at
// once, so that ctx may end it at any time. Result and ranking show in [Store.List] as they come. An exam that fails is
// kept with a sentence, and the next one follows. A result is known where files, model, samples, seed and choices are what
// they were, or where an exam that was opened again holds the same voxels. Sample fails with [ErrRunning], ctx's error,
// or an error of writing the list; the file is tried before anything is sampled.
func (s *Store) Sample(ctx context.Context, o Sampling) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.end()
	if err := s.Save(); err != nil {
		return err
	}
	run := &sampling{Sampling: o, store: s}
	return run.all(ctx)
}

func (s *Store) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running {
		return ErrRunning
	}
	s.running = true
	return nil
}

func (s *Store) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = false
}

// sampling is one [Store.Sample].
type sampling struct {
	Sampling
	store *Store
	now   SampleProgress
}

func (r *sampling) all(ctx context.Context) error {
	var places []string
	for _, e := range r.store.List().Entries() {
		if !e.Missing && !slices.Contains(places, e.Path) {
			places = append(places, e.Path)
		}
	}
	r.now.Total = len(places)
	for _, path := range places {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.tell(path)
		if err := r.place(ctx, path); err != nil {
			return err
		}
		r.now.Done++
	}
	r.tell("")
	return nil
}

func (r *sampling) tell(at string) {
	if r.now.At = at; r.Progress != nil {
		r.Progress(r.now)
	}
}

// place samples what a folder or ZIP holds. An error ends the whole sampling; what is wrong with the exam is none.
func (r *sampling) place(ctx context.Context, path string) error {
	mark, err := stamp(ctx, r.store.Place(Entry{Path: path}), r.Choices)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return r.fail(path, "", mark, err)
	}
	own := r.entries(path)
	if r.fresh(own, mark) {
		r.now.Known++
		return nil
	}
	if len(own) == 1 && own[0].Study == "" {
		return r.study(ctx, path, "", mark)
	}
	for _, e := range own {
		if err := r.study(ctx, path, e.Study, mark); err != nil {
			return err
		}
	}
	return nil
}

// entries returns the list's entries of a place.
func (r *sampling) entries(path string) []Entry {
	var own []Entry
	for _, e := range r.store.List().Entries() {
		if e.Path == path {
			own = append(own, e)
		}
	}
	return own
}

// fresh reports whether nothing has changed since the entries of a place were sampled.
func (r *sampling) fresh(own []Entry, mark string) bool {
	if r.Again {
		return false
	}
	for _, e := range own {
		if e.Stamp != mark || e.Problem != "" || e.Score == nil || e.Score.Predictor != r.Predictor.Key() {
			return false
		}
	}
	return true
}

// study opens and samples one exam of a place; study is "" where it is the only one as far as is known.
func (r *sampling) study(ctx context.Context, path, study, mark string) error {
	open := r.Open
	if open == nil {
		open = func(ctx context.Context, place, study string) (*exam.Exam, error) {
			return exam.Open(ctx, place, exam.Options{Study: study})
		}
	}
	e, err := open(ctx, r.store.Place(Entry{Path: path}), study)
	var several *exam.SeveralExamsError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &several) && study == "":
		return r.divide(ctx, path, several.Studies, mark)
	case err != nil:
		return r.fail(path, study, mark, err)
	}
	content := ContentKey(e)
	score := r.known(path, study, content)
	if score == nil {
		if score, err = r.sample(ctx, e, content); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return r.fail(path, study, mark, err)
		}
	} else {
		r.now.Known++
	}
	return r.keep(path, study, func(x *Entry) { x.Exam, x.Stamp, x.Problem, x.Score = e.Key, mark, "", score })
}

// known returns the entry's score where it is of the same voxels and predictor.
func (r *sampling) known(path, study, content string) *Score {
	if r.Again {
		return nil
	}
	for _, e := range r.entries(path) {
		if e.Study == study && e.Score != nil && e.Score.Content == content && e.Score.Predictor == r.Predictor.Key() {
			return e.Score
		}
	}
	return nil
}

// sample predicts and reviews an exam.
func (r *sampling) sample(ctx context.Context, e *exam.Exam, content string) (*Score, error) {
	field, err := r.Predictor.Predict(ctx, e)
	if err != nil {
		return nil, err
	}
	found, err := review.Examine(ctx, field, r.Review)
	if err != nil {
		return nil, err
	}
	score := NewScore(found)
	score.Model, score.Predictor, score.Content = r.Predictor.Name(), r.Predictor.Key(), content
	return score, nil
}

// NewScore returns what a review told, for a [Score] whose origin the caller fills in.
func NewScore(f *review.Findings) *Score {
	s := &Score{ErrorML: f.ErrorML, EntropyML: f.EntropyML, Structures: f.Structures, SpotCount: len(f.Spots)}
	for _, spot := range f.Spots[:min(len(f.Spots), keptSpots)] {
		spot.Voxels = nil
		s.Spots = append(s.Spots, spot)
	}
	return s
}

// divide replaces the entry of a place by one for each study in it, which are sampled. State and note of the place as a
// whole go to each of them.
func (r *sampling) divide(ctx context.Context, path string, studies []exam.StudyInfo, mark string) error {
	err := r.store.change(func() error {
		at := slices.IndexFunc(r.store.entries, func(e Entry) bool { return e.Path == path && e.Study == "" })
		if at < 0 {
			return nil
		}
		whole := r.store.entries[at]
		r.store.entries = slices.Delete(r.store.entries, at, at+1)
		for _, info := range studies {
			part := Entry{Path: path, Study: info.Key, State: cmp.Or(whole.State, NotStarted), Note: whole.Note, Changed: whole.Changed}
			r.store.entries = append(r.store.entries, part)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, info := range studies {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.study(ctx, path, info.Key, mark); err != nil {
			return err
		}
	}
	return nil
}

// fail keeps the sentence that says why an exam was not sampled.
func (r *sampling) fail(path, study, mark string, err error) error {
	r.now.Failed++
	text := err.Error()
	if r.Explain != nil {
		text = r.Explain(err)
	}
	text = strings.ReplaceAll(text, r.store.Place(Entry{Path: path}), "the exam") // paths may name a patient
	return r.keep(path, study, func(e *Entry) { e.Stamp, e.Problem, e.Score = mark, text, nil })
}

// keep changes an entry of a place, unless it was taken off the list meanwhile.
func (r *sampling) keep(path, study string, to func(*Entry)) error {
	err := r.store.edit(Entry{Path: path, Study: study}.ID(), to)
	if errors.Is(err, ErrNoEntry) {
		return nil
	}
	return err
}
