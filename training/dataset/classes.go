package dataset

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
)

// unknown marks values of a mask that mean nothing.
const unknown = 255

// classTable gives the class of each value of a mask, or unknown.
type classTable struct {
	class [256]uint8
	why   string // where the meaning of values comes from, for messages
}

// newTable returns a table in which 0 is the background and nothing else is known.
func newTable(why string) classTable {
	t := classTable{why: why}
	for v := 1; v < len(t.class); v++ {
		t.class[v] = unknown
	}
	return t
}

// apply returns the mask with classes for values. It fails with the sentence, a clause, of the first value
// that the table does not know.
func (t *classTable) apply(m *volume.Mask) (*volume.Mask, error) {
	out := make([]uint8, len(m.Data()))
	for i, v := range m.Data() {
		out[i] = t.class[v]
	}
	for _, v := range m.Labels() {
		if t.class[v] == unknown {
			return nil, fmt.Errorf("its mask holds the value %d, which %s", v, t.why)
		}
	}
	return volume.NewMask(m.Grid(), out)
}

// maskTable returns the table of mask files in a folder of exams.
func (o *Options) maskTable() (classTable, error) {
	if len(o.Classes) > 0 {
		return o.explicitTable()
	}
	if o.Task == modelcard.Diagnosis {
		from := max(o.LesionFrom, 1)
		t := newTable("")
		for v := range t.class {
			t.class[v] = 0
			if v >= int(from) {
				t.class[v] = 1
			}
		}
		return t, nil
	}
	const why = "is neither 0, 1 nor 2 (%s); name the class of each value, or choose another mask"
	switch o.Zones {
	case PZTZ:
		t := newTable(fmt.Sprintf(why, "PZ 1, TZ 2"))
		t.class[1], t.class[2] = 2, 1
		return t, nil
	case TZPZ, "":
		t := newTable(fmt.Sprintf(why, "TZ 1, PZ 2"))
		t.class[1], t.class[2] = 1, 2
		return t, nil
	}
	return classTable{}, fmt.Errorf("%w: %q is no convention of zones; choose %s or %s", ErrData, o.Zones, TZPZ, PZTZ)
}

// explicitTable makes the table of the user's own classes of values.
func (o *Options) explicitTable() (classTable, error) {
	t := newTable("was given no class; name the class of each value")
	for _, value := range slices.Sorted(maps.Keys(o.Classes)) {
		v, err := strconv.ParseUint(value, 10, 8)
		if err != nil {
			return t, fmt.Errorf("%w: %q is no value of a mask; name classes by whole numbers from 0 to 255, as 1=TZ", ErrData, value)
		}
		class, err := o.classIndex(o.Classes[value])
		if err != nil {
			return t, err
		}
		t.class[v] = class
	}
	return t, nil
}

// classIndex returns the number of a class that the user named.
func (o *Options) classIndex(name string) (uint8, error) {
	names := classNames(o.Task)
	at := slices.Index(names, name)
	if at < 0 {
		at = slices.Index(names, classOf(name))
	}
	if at < 0 {
		return 0, fmt.Errorf("%w: %q is no class of this task; choose among %s", ErrData, name, some(names))
	}
	return uint8(at), nil
}
