package pb

import "fmt"

// Bounds of a file's parts, so that the memory for them follows from the bytes of the file: an empty node takes two bytes
// there and two hundred here. The largest network here has some thousand nodes, a training step 5,505.
const (
	maxParts      = 1 << 15 // nodes, tensors, inputs, outputs
	maxEntries    = 1 << 10 // metadata entries, operator sets
	maxAttributes = 1 << 5  // of one node
	maxList       = 1 << 10 // axes of a tensor, numbers in a list of an attribute
	maxName       = 1 << 10 // bytes of a name or a text; metadata may be longer
	maxRefs       = 1 << 15 // what a node reads or makes
)

// room fails with [ErrUnsupported] where a file has more of something than most.
func room(have, most int, what string) error {
	if have >= most {
		return fmt.Errorf("%w: it has more than %d %s", ErrUnsupported, most, what)
	}
	return nil
}

// name reads a text of at most maxName bytes.
func (f field) name(to *string) error {
	if len(f.b) > maxName {
		return fmt.Errorf("%w: a name of %d bytes", ErrUnsupported, len(f.b))
	}
	return f.string(to)
}

func (f field) appendName(to *[]string) error {
	if err := room(len(*to), maxRefs, "names in one list"); err != nil {
		return err
	}
	*to = append(*to, "")
	return f.name(&(*to)[len(*to)-1])
}

// list reads a repeated integer of at most maxList numbers.
func (f field) list(to *[]int64) error {
	if len(f.b) > 10*maxList { // a varint has at most ten bytes
		return room(len(f.b), maxList, "numbers in one list")
	}
	if err := f.int64s(to); err != nil {
		return err
	}
	return room(len(*to)-1, maxList, "numbers in one list")
}
