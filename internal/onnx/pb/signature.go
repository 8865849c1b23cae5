package pb

import (
	"fmt"
	"slices"
)

// Signature reads only the inputs and outputs of a ModelProto's graph, without copying its weights.
// Weights that old files list among the inputs are left out. It fails as [Decode] does.
func Signature(data []byte) (inputs, outputs []ValueInfo, err error) {
	weights := map[string]bool{}
	graphs := 0
	err = message(data, "model", func(f field) error {
		if f.num != 7 {
			return nil
		}
		graphs++
		return f.message(func(data []byte) error {
			return message(data, "graph", func(f field) error {
				var v ValueInfo
				switch f.num {
				case 5:
					return f.message(func(data []byte) error { return tensorName(data, weights) })
				case 11:
					err := f.message(v.decode)
					inputs = append(inputs, v)
					return err
				case 12:
					err := f.message(v.decode)
					outputs = append(outputs, v)
					return err
				}
				return nil
			})
		})
	})
	if err == nil && graphs != 1 {
		err = fmt.Errorf("%w: it holds %d graphs", ErrMalformed, graphs)
	}
	if err != nil {
		return nil, nil, err
	}
	inputs = slices.DeleteFunc(inputs, func(v ValueInfo) bool { return weights[v.Name] })
	return inputs, outputs, nil
}

func tensorName(data []byte, into map[string]bool) error {
	return message(data, "tensor", func(f field) error {
		if f.num != 8 {
			return nil
		}
		var name string
		err := f.string(&name)
		into[name] = true
		return err
	})
}

// Metadata reads only the key-value pairs of a ModelProto, not its graph. It fails as [Decode] does.
func Metadata(data []byte) ([]Entry, error) {
	var entries []Entry
	err := message(data, "model", func(f field) error {
		if f.num != 14 {
			return nil
		}
		if err := room(len(entries), maxEntries, "metadata entries"); err != nil {
			return err
		}
		entries = append(entries, Entry{})
		return f.message(entries[len(entries)-1].decode)
	})
	return entries, err
}
