package pb

import (
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

//go:embed testdata/half_golden.json
var halfGolden []byte // by testdata/half_golden.py

func TestHalfIsNumPys(t *testing.T) {
	var golden struct {
		From, To string
		Cases    [][2]uint32
	}
	if err := json.Unmarshal(halfGolden, &golden); err != nil {
		t.Fatal(err)
	}
	for _, c := range golden.Cases {
		if got := Half(math.Float32frombits(c[0])); uint32(got) != c[1] {
			t.Errorf("Half(%g) = %04x, want %04x", math.Float32frombits(c[0]), got, c[1])
		}
	}
	var from, to []byte
	for i := range 1 << 16 {
		from = binary.LittleEndian.AppendUint32(from, math.Float32bits(FromHalf(uint16(i))))
	}
	for i := range 1 << 20 {
		to = binary.LittleEndian.AppendUint16(to, Half(math.Float32frombits(uint32(i)*4099)))
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{"float32 of every float16": {from, golden.From}, "float16 of a million float32": {to, golden.To}} {
		if sum := sha256.Sum256(c.data); hex.EncodeToString(sum[:]) != c.want {
			t.Errorf("%s differ from NumPy's", name)
		}
	}
}

func TestHalfHasAnInverse(t *testing.T) {
	for i := range 1 << 16 {
		if got := Half(FromHalf(uint16(i))); got != uint16(i) {
			t.Fatalf("%04x became %04x", i, got)
		}
	}
}

// TestTypedHalves reads what other writers make: float16 bits in int32_data.
func TestTypedHalves(t *testing.T) {
	var values, tensor []byte
	for _, h := range []uint64{0x3c00, 0xc100} {
		values = protowire.AppendVarint(values, h)
	}
	tensor = protowire.AppendVarint(protowire.AppendTag(tensor, 1, protowire.VarintType), 2)
	tensor = protowire.AppendVarint(protowire.AppendTag(tensor, 2, protowire.VarintType), uint64(Float16))
	tensor = appendBytes(tensor, 5, values)
	m, err := Decode(appendBytes(nil, 7, appendBytes(nil, 5, tensor)))
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Graph.Initializers[0].F32; len(got) != 2 || got[0] != 1 || got[1] != -2.5 {
		t.Errorf("got %v, want [1 -2.5]", got)
	}
}
