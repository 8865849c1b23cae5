package annotate

// KeptSteps is how many steps can be taken back at least. More are kept while they fit in [KeptBytes].
const KeptSteps = 200

// KeptBytes is the memory beyond which steps older than the last [KeptSteps] are forgotten. A brush stroke
// takes some hundred bytes, smoothing of a whole gland some ten thousand.
const KeptBytes = 16 << 20

// step is one change that can be taken back.
type step struct {
	action  Action
	patches []*patch
}

// stepBytes is what a step takes besides its runs.
const stepBytes = 160

func (s step) bytes() int {
	n := stepBytes
	for _, p := range s.patches {
		n += cap(p.runs) + stepBytes
	}
	return n
}

// slices returns the first and the last slice that changed.
func (s step) slices() (from, to int) {
	from, to = s.patches[0].min[2], s.patches[0].max[2]-1
	for _, p := range s.patches[1:] {
		from, to = min(from, p.min[2]), max(to, p.max[2]-1)
	}
	return from, to
}

// history is the steps done and those taken back, the latest last.
type history struct {
	done, undone []step
	bytes        int
	assisted     bool // whether a step ever did more than draw by hand
}

func (h *history) push(s step) {
	for _, u := range h.undone {
		h.bytes -= u.bytes()
	}
	h.undone = nil
	h.assisted = h.assisted || s.action.Op.assists()
	h.done = append(h.done, s)
	h.bytes += s.bytes()
	for len(h.done) > KeptSteps && h.bytes > KeptBytes {
		h.bytes -= h.done[0].bytes()
		h.done[0] = step{}
		h.done = h.done[1:]
	}
}

func (h *history) undo() (step, bool) { return shift(&h.done, &h.undone) }

func (h *history) redo() (step, bool) { return shift(&h.undone, &h.done) }

func shift(from, to *[]step) (step, bool) {
	n := len(*from)
	if n == 0 {
		return step{}, false
	}
	s := (*from)[n-1]
	*from, *to = (*from)[:n-1], append(*to, s)
	return s, true
}

func (h *history) last(list []step) (Action, bool) {
	if len(list) == 0 {
		return Action{}, false
	}
	return list[len(list)-1].action, true
}
