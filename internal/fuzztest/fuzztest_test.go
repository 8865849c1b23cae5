package fuzztest

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
)

// Places are counted breadth first with sorted keys: of {"a":[1,2],"b":"x"} they are the whole, a, b, 1, 2.
func TestEdit(t *testing.T) {
	const text = `{"a":[1,2],"b":"x"}`
	for name, c := range map[string]struct {
		script []byte
		want   string
	}{
		"nothing":  {nil, `{"a":[1,2],"b":"x"}`},
		"replace":  {[]byte{0, 2, 1}, `{"a":[1,2],"b":true}`},
		"element":  {[]byte{0, 3, 0}, `{"a":[null,2],"b":"x"}`},
		"drop":     {[]byte{0, 1, 100}, `{"b":"x"}`},
		"shorten":  {[]byte{0, 3, 100}, `{"a":[2],"b":"x"}`},
		"repeat":   {[]byte{0, 4, 130}, `{"a":[1,2,2],"b":"x"}`},
		"exchange": {[]byte{0, 2, 160}, `{"a":[1,2],"b":{"a":[1,2],"b":"x"}}`}, // 160·7 is a multiple of five: the whole
		"two":      {[]byte{0, 1, 100, 0, 1, 2}, `{"b":false}`},
		"too few":  {[]byte{0, 1}, `{"a":[1,2],"b":"x"}`},
		"whole":    {[]byte{0, 0, 0}, `null`},
	} {
		if got := Edit([]byte(text), c.script); string(got) != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if got := Edit([]byte("no JSON"), []byte{0, 0, 0}); string(got) != "no JSON" {
		t.Errorf("%s", got)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		script := make([]byte, 30)
		for i := range script {
			script[i] = byte(r.IntN(256))
		}
		if got := Edit([]byte(text), script); !json.Valid(got) {
			t.Fatalf("%v gives %s", script, got)
		}
	}
}
