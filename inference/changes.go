package inference

import "fmt"

// DeviceChange tells that samples of one run were computed on another device than those before: it failed, or its memory ran out.
type DeviceChange struct {
	Sample int    `json:"fromSample"` // the first one that the new device computed; 1 is the first of all
	From   string `json:"from"`
	To     string `json:"to"`
	Why    string `json:"why"` // a sentence without its full stop
}

// String is the change as a sentence without its full stop.
func (c DeviceChange) String() string { return fmt.Sprintf("from sample %d on: %s", c.Sample, c.Why) }

// mover is a [Runner] that goes on on another device where one fails: how often it has, and the last time from where to where and
// why, a sentence without its full stop.
type mover interface {
	Moved() (times int, from, to, why string)
}

// MovedSince reports whether a runner's device has changed since it was last asked, which told counts: the last time to where, and why,
// a sentence without its full stop.
func MovedSince(r Runner, told *int) (to, why string, moved bool) {
	m, ok := r.(mover)
	if !ok {
		return "", "", false
	}
	times, _, to, why := m.Moved()
	moved, *told = times != *told, times
	return to, why, moved
}

// Moved says why the model no longer runs on the device that it was opened on, a sentence without its full stop; "" where it does.
func (m *Model) Moved() string {
	_, last := m.moved()
	return last.Why
}

// moved counts the changes of device so far, of both parts, and returns the last of the part that runs once per sample, else of the
// other.
func (m *Model) moved() (times int, last DeviceChange) {
	for _, r := range []Runner{m.prefix, m.suffix} {
		if r, ok := r.(mover); ok {
			if n, from, to, why := r.Moved(); n > 0 {
				times, last = times+n, DeviceChange{From: from, To: to, Why: why}
			}
		}
	}
	return times, last
}

// watch notes a change of device since it was last called, which sample was computed after.
func (r *run) watch(sample int) {
	times, last := r.Model.moved()
	if times == r.moved {
		return
	}
	r.moved = times
	last.Sample = sample
	r.changes = append(r.changes, last)
}

// device says what computes: after a change, what computed the samples before it, too.
func (r *run) device() string {
	text := r.Model.Device()
	if len(r.changes) == 0 {
		return text
	}
	if first := r.changes[0]; first.Sample > 1 {
		return fmt.Sprintf("%s; samples 1 to %d on %s", text, first.Sample-1, first.From)
	}
	return text + "; asked for was " + r.changes[0].From
}
