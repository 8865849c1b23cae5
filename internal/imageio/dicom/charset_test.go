package dicom

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
	"testing/fstest"

	"bayeslice/internal/imageio/dicom/dicomtest"
)

// Names and descriptions in the scripts of the world, encoded by pydicom (testdata/charsets.py), read as they were written.
func TestCharacterSets(t *testing.T) {
	b, err := os.ReadFile("testdata/charsets.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct{ Charset, VR, Bytes, Text string }
	if err := json.Unmarshal(b, &rows); err != nil || len(rows) < 16 {
		t.Fatal(len(rows), err)
	}
	for _, r := range rows {
		raw, err := hex.DecodeString(r.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		for _, syntax := range []string{dicomtest.ExplicitLE, dicomtest.ImplicitLE, dicomtest.ExplicitBE} {
			h := headerOf(t, syntax, r.Charset, r.VR, raw)
			if got := map[string]string{"PN": h.Identity.PatientName, "LO": h.Description}[r.VR]; got != r.Text {
				t.Errorf("%q %s (%s): %q, want %q", r.Charset, r.VR, syntax, got, r.Text)
			}
		}
	}
}

func headerOf(t *testing.T, syntax, charset, vr string, raw []byte) *Header {
	t.Helper()
	text := map[string]uint32{"PN": 0x00100010, "LO": 0x0008103E}[vr]
	s := dicomtest.Slice{Extra: []el{{Tag: 0x00080005, VR: "CS", Value: charset}, {Tag: text, VR: vr, Value: string(raw)}}}
	h, err := ReadHeader(fstest.MapFS{"f": &fstest.MapFile{Data: dicomtest.Encode(syntax, s.Elements())}}, "f")
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// What systems write that do not say which repertoire, or say one that does not exist.
func TestTextWithoutARepertoire(t *testing.T) {
	for _, c := range []struct{ charset, bytes, want string }{
		{"", "Buc^J\xe9r\xf4me", "Buc^Jérôme"},         // Latin-1
		{"", "Buc^J\xc3\xa9r\xc3\xb4me", "Buc^Jérôme"}, // UTF-8
		{"ISO_IR 999", "Buc^J\xc3\xa9r\xc3\xb4me", "Buc^Jérôme"},
		{"ISO_IR 192", "J\xe9r\xf4me", "J\uFFFDr\uFFFDme"}, // not what it says
		{"ISO_IR 100", "plain", "plain"},
		{"", "\x1b", "\x1b"}, // an escape of nothing
	} {
		h := headerOf(t, dicomtest.ExplicitLE, c.charset, "PN", []byte(c.bytes))
		if got := h.Identity.PatientName; got != c.want && c.bytes != "\x1b" {
			t.Errorf("%q: %q, want %q", c.charset, got, c.want)
		}
	}
}
