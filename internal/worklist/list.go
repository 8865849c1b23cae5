package worklist

import (
	"cmp"
	"slices"
)

// List is a work list at one moment. It is immutable.
type List struct {
	entries []Entry // in the order of their paths
	rank    []int   // positions in entries
}

func newList(entries []Entry) *List {
	l := &List{entries: slices.Clone(entries)}
	slices.SortStableFunc(l.entries, byPath)
	l.rank = make([]int, len(entries))
	for n := range l.rank {
		l.rank[n] = n
	}
	slices.SortStableFunc(l.rank, func(a, b int) int { return byNeed(l.entries[a], l.entries[b]) })
	return l
}

func byPath(a, b Entry) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Study, b.Study))
}

// byNeed puts the exam of the larger expected error first; then those that were not sampled; then those that cannot be
// opened or are not there any more.
func byNeed(a, b Entry) int {
	group := func(e Entry) int {
		switch {
		case e.Missing:
			return 3
		case e.Problem != "":
			return 2
		case e.Score == nil:
			return 1
		}
		return 0
	}
	if c := cmp.Compare(group(a), group(b)); c != 0 || a.Score == nil || b.Score == nil {
		return c
	}
	return cmp.Or(cmp.Compare(b.Score.ErrorML, a.Score.ErrorML), cmp.Compare(b.Score.EntropyML, a.Score.EntropyML))
}

// Entries returns the exams in the order of their paths.
func (l *List) Entries() []Entry { return slices.Clone(l.entries) }

// Ranked returns the exams in the order in which they should be worked on: the largest expected error first, then
// exams that were not sampled, then those that cannot be opened or are missing. States do not change it, so that rows stay
// where they are while the user works.
func (l *List) Ranked() []Entry {
	out := make([]Entry, len(l.rank))
	for n, at := range l.rank {
		out[n] = l.entries[at]
	}
	return out
}

// Find returns the entry of an ID.
func (l *List) Find(id string) (Entry, bool) {
	for _, e := range l.entries {
		if e.ID() == id {
			return e, true
		}
	}
	return Entry{}, false
}

// Next returns the exam to go on with after the one of an ID: the next open one in rank order that is there and can be
// opened, from the top again after the last. Any ID that is not in the list, such as "", starts at the top. ok is false where no
// other is left.
func (l *List) Next(id string) (e Entry, ok bool) {
	from := slices.IndexFunc(l.rank, func(at int) bool { return l.entries[at].ID() == id })
	for step := range l.rank {
		e = l.entries[l.rank[(from+1+step)%len(l.rank)]]
		if e.ID() != id && e.State.Open() && e.Problem == "" && !e.Missing {
			return e, true
		}
	}
	return Entry{}, false
}

// Progress counts the exams of a list.
type Progress struct {
	Done    int // completed
	Flagged int
	Broken  int // that cannot be opened, or are missing, and are not done
	Total   int
}

// Progress returns how far the work on the list is.
func (l *List) Progress() Progress {
	p := Progress{Total: len(l.entries)}
	for _, e := range l.entries {
		switch {
		case e.State == Completed:
			p.Done++
		case e.State == Flagged:
			p.Flagged++
		case e.Problem != "" || e.Missing:
			p.Broken++
		}
	}
	return p
}
