// Package fuzztest changes JSON as fuzzed bytes say, so that a fuzzer spends its time behind the parser: the structure of a
// file stays one that a program could have written, and its values become those that break things.
package fuzztest

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// values are what a value is replaced by.
var values = []any{
	nil, true, false, "", "x", "a\nb\x1b[31m", strings.Repeat("long", 400), "\xff\xfe", "../../x", []any{}, map[string]any{}, []any{nil},
	json.Number("0"), json.Number("-1"), json.Number("1"), json.Number("2"), json.Number("3"), json.Number("255"), json.Number("256"), json.Number("65536"), json.Number("0.5"),
	json.Number("1e-320"), json.Number("-1e-9"), json.Number("1e9"), json.Number("2147483648"), json.Number("-2147483649"), json.Number("4294967295"),
	json.Number("9007199254740993"), json.Number("9223372036854775807"), json.Number("-9223372036854775808"), json.Number("18446744073709551615"),
	json.Number("1e30"), json.Number("1e300"), json.Number("-1.7e308"), json.Number("1e400"),
}

// Edit returns JSON with changes as a script of bytes asks for them: three bytes a change, of which two say where and one what.
// A value is replaced, taken out, repeated, or exchanged for another one of the text. Text that is no JSON comes back as it is.
func Edit(text, script []byte) []byte {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var root any
	if dec.Decode(&root) != nil {
		return text
	}
	for ; len(script) >= 3; script = script[3:] {
		places := walk(&root)
		at := places[(int(script[0])<<8|int(script[1]))%len(places)]
		switch what := int(script[2]); {
		case what < len(values):
			at.set(values[what])
		case what < 128:
			at.drop()
		case what < 160:
			at.repeat()
		default:
			at.set(places[(what*7+int(script[0]))%len(places)].get())
		}
	}
	out, err := json.Marshal(root)
	if err != nil {
		return text
	}
	return out
}

// place is where a value stands: the root, or in an object or a list.
type place struct {
	root   *any
	object map[string]any
	key    string
	list   []any
	n      int
	up     *place // of the object or list
}

func (p *place) get() any {
	switch {
	case p.object != nil:
		return p.object[p.key]
	case p.list != nil:
		return p.list[p.n]
	}
	return *p.root
}

// set puts a copy of v there, so that no value holds itself.
func (p *place) set(v any) {
	v = copied(v)
	switch {
	case p.object != nil:
		p.object[p.key] = v
	case p.list != nil:
		p.list[p.n] = v
	default:
		*p.root = v
	}
}

func (p *place) drop() {
	switch {
	case p.object != nil:
		delete(p.object, p.key)
	case p.list != nil:
		p.up.set(slices.Delete(slices.Clone(p.list), p.n, p.n+1))
	}
}

func (p *place) repeat() {
	if p.list != nil && len(p.list) < 1000 {
		p.up.set(append(slices.Clone(p.list), p.list[p.n]))
	}
}

// walk lists all places of a value, in the same order each time.
func walk(root *any) []*place {
	all := []*place{{root: root}}
	for i := 0; i < len(all); i++ {
		switch v := all[i].get().(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				all = append(all, &place{object: v, key: key, up: all[i]})
			}
		case []any:
			for n := range v {
				all = append(all, &place{list: v, n: n, up: all[i]})
			}
		}
	}
	return all
}

func copied(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[k] = copied(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = copied(e)
		}
		return out
	}
	return v
}
