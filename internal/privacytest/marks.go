// Package privacytest tells tests where the program names a patient and whether it reaches the network. [Identify]
// writes distinctive values into everything in an exam that could identify a patient, [Search] finds them in whatever
// the program left behind, [Families] reads what strace saw of sockets, and [Exposed] lists files that others may read.
package privacytest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Folder is what tests call the folder of an identified exam: folders of exams often have the name of the patient.
const Folder = "QZFOLDER Ann"

// element is a data element of explicit VR little endian that names somebody, or a place, or a time.
type element struct {
	tag   uint32
	vr    string
	value string
}

// identifying are the elements that [Identify] writes into every image: those of the basic profile of PS3.15 that
// describe the patient, the people, the place, the time and the machine, one private block, and the descriptions, which are
// typed by hand. The image keeps a maker that no phantom has, so that the program takes it for an exam of a patient.
var identifying = []element{
	{0x00080012, "DA", "20030519"}, {0x00080013, "TM", "131517"}, {0x00080020, "DA", "20030519"}, {0x00080021, "DA", "20030519"},
	{0x00080022, "DA", "20030519"}, {0x00080023, "DA", "20030519"}, {0x0008002A, "DT", "20030519131517"},
	{0x00080030, "TM", "131517"}, {0x00080031, "TM", "131517"}, {0x00080032, "TM", "131517"}, {0x00080033, "TM", "131517"},
	{0x00080050, "SH", "QZACCESSION"}, {0x00080070, "LO", "SIEMENS"}, {0x00080080, "LO", "QZHOSPITAL"}, {0x00080081, "ST", "QZHOSPITALSTREET 1"},
	{0x00080090, "PN", "QZREFERRER^Doc"}, {0x00080092, "ST", "QZREFERRERSTREET"}, {0x00080094, "SH", "QZREFERRERTEL"},
	{0x00081010, "SH", "QZSTATION"}, {0x00081030, "LO", "MR prostate QZSTUDYTEXT"}, {0x00081040, "LO", "QZDEPARTMENT"},
	{0x00081048, "PN", "QZPHYSICIAN^Of"}, {0x00081050, "PN", "QZPERFORMER^Doc"}, {0x00081060, "PN", "QZREADER^Doc"},
	{0x00081070, "PN", "QZOPERATOR^Tech"}, {0x00081080, "LO", "QZADMISSIONTEXT"},
	{0x00100010, "PN", "QZSURNAME^QZFORENAME"}, {0x00100020, "LO", "QZID4711"}, {0x00100021, "LO", "QZISSUER"},
	{0x00100030, "DA", "19310217"}, {0x00100032, "TM", "041321"}, {0x00101000, "LO", "QZOTHERID"}, {0x00101001, "PN", "QZOTHERNAME"},
	{0x00101005, "PN", "QZBIRTHNAME"}, {0x00101040, "LO", "QZSTREET 7"}, {0x00101060, "PN", "QZMOTHER"}, {0x00102154, "SH", "QZTELEPHONE"},
	{0x00102160, "SH", "QZETHNIC"}, {0x00102180, "SH", "QZOCCUPATION"}, {0x001021B0, "LT", "QZHISTORY"}, {0x00104000, "LT", "QZPATIENTCOMMENT"},
	{0x00181000, "LO", "QZSERIAL"}, {0x00200010, "SH", "QZSTUDYID"}, {0x00204000, "LT", "QZIMAGECOMMENT"},
	{0x00290010, "LO", "QZPRIVATE"}, {0x00291001, "LO", "QZPRIVATEVALUE"},
	{0x00321032, "PN", "QZREQUESTER"}, {0x00321060, "LO", "QZREQUESTED"}, {0x00324000, "LT", "QZSTUDYCOMMENT"},
	{0x00380010, "LO", "QZADMISSION"}, {0x00380300, "LO", "QZWARD"}, {0x00400244, "DA", "20030519"}, {0x00400245, "TM", "131517"},
	{0x00400253, "SH", "QZSTEPID"}, {0x00400254, "LO", "QZSTEPTEXT"}, {0x00401001, "SH", "QZREQUESTID"}, {0x00401400, "LT", "QZREQUESTCOMMENT"},
}

// described are the elements in which the program looks for words, and which keep theirs before what is added.
var described = map[uint32]string{0x0008103E: " QZSERIESTEXT", 0x00181030: " QZPROTOCOL"}

// ownUID are the UIDs of the program's own images; they become UIDs of a hospital, of the same length, by which the exam
// could be found in its archive.
var ownUID = regexp.MustCompile(`2\.25\.\d{10}`)

// UID begins every UID of an identified exam.
const UID = "1.2.999777131.1"

// word is a value of [identifying] that occurs nowhere by chance.
var word = regexp.MustCompile(`QZ[A-Z0-9]{5,}`)

// Marks returns the values that [Identify] writes, as [Search] looks for them: words, [Folder], dates as the program may write
// them, and the beginning of UIDs.
func Marks() []string {
	out := []string{word.FindString(Folder), "19310217", "1931-02-17", "20030519", "2003-05", "131517", "13:15:17", "041321", UID}
	for _, e := range identifying {
		out = append(out, word.FindAllString(e.value, -1)...)
	}
	for _, text := range described {
		out = append(out, word.FindString(text))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Identify writes identifying values into every DICOM file below dir, in place. The files must be what the program
// writes: explicit VR little endian. The number of the patient ends in which, so that two exams are not one patient's. It
// fails where a file cannot be rewritten.
func Identify(dir, which string) error {
	changed := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || len(data) < 132 || string(data[128:132]) != "DICM" {
			return err
		}
		out, err := identify(data, which)
		if err != nil {
			return fmt.Errorf("privacytest: %s: %w", path, err)
		}
		changed++
		return os.WriteFile(path, out, 0o600)
	})
	if err == nil && changed == 0 {
		return fmt.Errorf("privacytest: there is no DICOM file below %s", dir)
	}
	return err
}

// identify rewrites one file.
func identify(data []byte, which string) ([]byte, error) {
	all, err := split(data[132:])
	if err != nil {
		return nil, err
	}
	for tag, text := range described {
		i := slices.IndexFunc(all, func(c chunk) bool { return c.tag == tag })
		if i < 0 {
			continue
		}
		own := strings.TrimSpace(string(all[i].raw[8:]))
		all[i] = encode(element{tag, "LO", own + text})
	}
	for _, e := range identifying {
		all = slices.DeleteFunc(all, func(c chunk) bool { return c.tag == e.tag })
		if e.tag == patientID {
			e.value += which
		}
		all = append(all, encode(e))
	}
	slices.SortStableFunc(all, func(a, b chunk) int { return int(int64(a.tag) - int64(b.tag)) })
	out := slices.Clone(data[:132])
	for _, c := range all {
		if c.tag != pixelData {
			c.raw = ownUID.ReplaceAll(c.raw, []byte(UID))
		}
		out = append(out, c.raw...)
	}
	return out, nil
}

const (
	patientID = 0x00100020
	pixelData = 0x7FE00010
)

// chunk is a data element as it is in a file.
type chunk struct {
	tag uint32
	raw []byte
}

var errForm = errors.New("it is not of explicit VR little endian")

// split cuts a data set into its elements.
func split(data []byte) ([]chunk, error) {
	var out []chunk
	for len(data) > 0 {
		n, err := length(data)
		if err != nil {
			return nil, err
		}
		out = append(out, chunk{uint32(binary.LittleEndian.Uint16(data))<<16 | uint32(binary.LittleEndian.Uint16(data[2:])), data[:n]})
		data = data[n:]
	}
	return out, nil
}

// length is the number of bytes of the element at the beginning of data, header and delimiters included.
func length(data []byte) (int, error) {
	if len(data) < 8 {
		return 0, errForm
	}
	head, size := 8, int64(binary.LittleEndian.Uint16(data[6:]))
	if vr := string(data[4:6]); slices.Contains([]string{"OB", "OW", "OF", "OD", "SQ", "UC", "UN", "UR", "UT"}, vr) {
		if len(data) < 12 {
			return 0, errForm
		}
		head, size = 12, int64(binary.LittleEndian.Uint32(data[8:]))
	}
	if size == undefined {
		return nested(data, head)
	}
	if int64(head)+size > int64(len(data)) {
		return 0, errForm
	}
	return head + int(size), nil
}

// undefined is the length of what ends with a delimiter.
const undefined = 0xFFFFFFFF

// nested is [length] of a sequence or an item without a length: elements and items follow from at on, up to a delimiter.
func nested(data []byte, at int) (int, error) {
	for at+8 <= len(data) {
		group, number, size := binary.LittleEndian.Uint16(data[at:]), binary.LittleEndian.Uint16(data[at+2:]), binary.LittleEndian.Uint32(data[at+4:])
		var n int
		var err error
		switch {
		case group == 0xFFFE && number != 0xE000:
			return at + 8, nil
		case group == 0xFFFE && size == undefined:
			n, err = nested(data[at:], 8)
		case group == 0xFFFE:
			n = 8 + int(size)
		default:
			n, err = length(data[at:])
		}
		if err != nil {
			return 0, err
		}
		at += n
	}
	return 0, errForm
}

// encode writes an element with a short length.
func encode(e element) chunk {
	value := []byte(e.value)
	if len(value)%2 == 1 {
		value = append(value, ' ')
	}
	raw := binary.LittleEndian.AppendUint16(nil, uint16(e.tag>>16))
	raw = binary.LittleEndian.AppendUint16(raw, uint16(e.tag&0xFFFF))
	raw = append(raw, e.vr...)
	raw = binary.LittleEndian.AppendUint16(raw, uint16(len(value)))
	return chunk{e.tag, append(raw, value...)}
}
