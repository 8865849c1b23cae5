package study

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// ErrIncomplete marks a study of which elements failed or are left.
var ErrIncomplete = errors.New("study: not every element is done")

// Run does everything that is missing, with a number of elements at a time, one of each configuration before the next
// fold, so that what is there early can be compared. Failed elements are tried again, others go on where one
// fails, and elements that another process has are left to it. It fails with [ErrIncomplete], which names how many failed or
// are elsewhere, or with ctx's error after keeping a checkpoint of what was under way.
func (s *Study) Run(ctx context.Context, workers int, o Options) error {
	o.On = serial(o.On)
	order := slices.Clone(s.elements)
	slices.SortStableFunc(order, func(a, b Element) int { return cmp.Or(a.Run-b.Run, a.Fold-b.Fold) })
	next := make(chan Element)
	var mu sync.Mutex
	var failed, elsewhere int
	var all sync.WaitGroup
	for range max(workers, 1) {
		all.Go(func() {
			for e := range next {
				err := s.tryElement(ctx, e, o)
				mu.Lock()
				switch {
				case ctx.Err() != nil, err == nil:
				case errors.Is(err, ErrBusy):
					elsewhere++
				default:
					failed++
				}
				mu.Unlock()
			}
		})
	}
	for _, e := range order {
		select {
		case next <- e:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(next)
	all.Wait()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case failed > 0 && elsewhere > 0:
		return fmt.Errorf("%w: %d of %d failed, and %d are under way in another process; correct what their messages say, and run the study again", ErrIncomplete, failed, len(order), elsewhere)
	case failed > 0:
		return fmt.Errorf("%w: %d of %d failed; correct what their messages say, and run the study again", ErrIncomplete, failed, len(order))
	case elsewhere > 0:
		return fmt.Errorf("%w: %d of %d are under way in another process; wait for it, then run the study again", ErrIncomplete, elsewhere, len(order))
	}
	return nil
}

// tryElement runs an element and tells how it ended. An element that is done is passed over without a word.
func (s *Study) tryElement(ctx context.Context, e Element, o Options) error {
	before := s.done(e)
	err := s.RunElement(ctx, e, o)
	switch {
	case err != nil && ctx.Err() != nil:
		o.tell(Event{Element: e, Phase: Stopped, Err: err})
	case errors.Is(err, ErrBusy):
		o.tell(Event{Element: e, Phase: Elsewhere, Err: err})
	case err != nil:
		o.tell(Event{Element: e, Phase: Broken, Err: err})
	case !before:
		o.tell(Event{Element: e, Phase: Finished})
	}
	return err
}

// serial makes calls of on follow one another.
func serial(on func(Event)) func(Event) {
	if on == nil {
		return nil
	}
	var mu sync.Mutex
	return func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		on(e)
	}
}
