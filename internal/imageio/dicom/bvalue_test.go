package dicom

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"bayeslice/internal/imageio/dicom/dicomtest"
	"bayeslice/internal/testenv"
)

func TestBValueSources(t *testing.T) {
	creator := func(group uint32, block uint32, text string) el {
		return el{Tag: group<<16 | block, VR: "LO", Value: text}
	}
	text := func(tag uint32, value string) el { return el{Tag: tag, VR: "LO", Value: value} }
	const none = -1
	for name, c := range map[string]struct {
		elements []el
		b        float64
		source   string
	}{
		"standard":              {[]el{{Tag: 0x00189087, VR: "FD", Value: []float64{1400}}, {Tag: 0x0019100C, VR: "IS", Value: "5"}}, 1400, "(0018,9087)"},
		"Siemens OB":            {[]el{{Tag: 0x0019100C, VR: "OB", Value: "800 "}}, 800, "Siemens (0019,100c)"},
		"Siemens UN":            {[]el{creator(0x19, 0x10, "SIEMENS MR HEADER"), {Tag: 0x0019100C, VR: "UN", Value: "1000"}}, 1000, "Siemens (0019,100c)"},
		"Siemens IS":            {[]el{{Tag: 0x0019100C, VR: "IS", Value: "50"}}, 50, "Siemens (0019,100c)"},
		"Siemens, block moved":  {[]el{creator(0x19, 0x10, "OTHER"), creator(0x19, 0x11, "SIEMENS MR HEADER"), {Tag: 0x0019110C, VR: "IS", Value: "400"}}, 400, "Siemens (0019,100c)"},
		"somebody else's block": {[]el{creator(0x19, 0x10, "GEMS_ACQU_01"), {Tag: 0x0019100C, VR: "IS", Value: "7"}}, none, ""},
		"GE":                    {[]el{creator(0x43, 0x10, "GEMS_PARM_01"), {Tag: 0x00431039, VR: "IS", Value: `1000001400\8\0\0`}}, 1400, "GE (0043,1039)"},
		"GE plain":              {[]el{{Tag: 0x00431039, VR: "IS", Value: `800\8\0\0`}}, 800, "GE (0043,1039)"},
		"GE UN":                 {[]el{{Tag: 0x00431039, VR: "UN", Value: `1000000050\8\0\0`}}, 50, "GE (0043,1039)"},
		"Philips UN":            {[]el{{Tag: 0x20011003, VR: "UN", Value: []byte{0, 0, 0x61, 0x44}}}, 900, "Philips (2001,1003)"}, // float32 900
		"UIH":                   {[]el{{Tag: 0x00651009, VR: "FD", Value: []float64{1500}}}, 1500, "UIH (0065,1009)"},
		"sequence":              {[]el{text(0x00180024, "*ep_b1000t")}, 1000, "SequenceName"},
		"sequence b0":           {[]el{text(0x00180024, "*ep_b0")}, 0, "SequenceName"},
		"sequence range":        {[]el{text(0x00180024, "*ep_b50_800")}, none, ""},
		"description":           {[]el{text(0x0008103E, "Ax DWI b=1400")}, 1400, "SeriesDescription"},
		"several in a row":      {[]el{text(0x0008103E, "dwi b50 b800")}, none, ""},
		"field map":             {[]el{text(0x0008103E, "B0 NS")}, none, ""},
		"other word":            {[]el{text(0x0008103E, "club9000 web2")}, none, ""},
		"implausible":           {[]el{{Tag: 0x00189087, VR: "FD", Value: []float64{-3}}}, none, ""},
	} {
		s := dicomtest.Slice{Extra: c.elements}
		fsys, names := fileSystem(s.Bytes())
		h, err := ReadHeader(fsys, names[0])
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := BValue{c.b != none, max(c.b, 0), c.source}
		if got := h.Frames[0].B; got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

func TestRangeOfB(t *testing.T) {
	for text, want := range map[string]string{
		"*ep_b50_800": "[50 800]", "dwi_b50_400_800_tra": "[50 400 800]", "b0, b100, b1400": "[0 100 1400]",
		"*ep_b800t": "[]", "b1000_128x128": "[]", "t2_tse_tra": "[]",
	} {
		if got := fmt.Sprint(RangeOfB(text)); got != want {
			t.Errorf("RangeOfB(%q) = %s, want %s", text, got, want)
		}
	}
}

// b-values of real GE and Philips files, as dcmdump shows them.
func TestVendorFiles(t *testing.T) {
	root := testenv.Data(t, "vendor_bvalues")
	want := map[string]BValue{
		"i22.MRDC.1": {true, 0, "GE (0043,1039)"}, "i23.MRDC.2": {true, 0, "GE (0043,1039)"},
		"i29.MRDC.8": {true, 1000, "(0018,9087)"}, "i35.MRDC.14": {true, 1000, "(0018,9087)"},
		"IM_0001.gz": {true, 0, "(0018,9087)"}, "IM_0021.gz": {true, 1000, "(0018,9087)"}, "IM_0061.gz": {true, 1000, "(0018,9087)"},
		"IM_0121.gz": {true, 1000, "(0018,9087)"}, "IM_0201.gz": {true, 0, "(0018,9087)"}, "IM_0301.gz": {true, 1000, "(0018,9087)"},
		"IM_0401.gz": {true, 1000, "(0018,9087)"}, "IM_0501.gz": {true, 1000, "(0018,9087)"},
	}
	for _, name := range files(t, root) {
		short := name[strings.LastIndex(name, "__")+len("__"):]
		if !strings.HasPrefix(name, "dcm_qa") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(root, name))
		if err == nil && strings.HasSuffix(name, ".gz") {
			data, err = gunzip(data)
		}
		if err != nil {
			t.Fatal(err)
		}
		h, err := ReadHeader(fstest.MapFS{"f": &fstest.MapFile{Data: data}}, "f")
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got, ok := want[short]; !ok || h.Frames[0].B != got {
			t.Errorf("%s: %+v, want %+v", short, h.Frames[0].B, got)
		}
		delete(want, short)
	}
	if len(want) > 0 {
		t.Errorf("files not seen: %v", want)
	}
}

func gunzip(data []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}
