package dicom

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Transfer syntaxes that are told apart here (PS3.5 annex A).
const (
	implicitLE  = "1.2.840.10008.1.2"
	explicitLE  = "1.2.840.10008.1.2.1"
	explicitBE  = "1.2.840.10008.1.2.2"
	deflatedLE  = "1.2.840.10008.1.2.1.99"
	rleLossless = "1.2.840.10008.1.2.5"
)

// codecKind is who decodes compressed pixels.
type codecKind uint8

const (
	codecNone codecKind = iota // nobody here
	codecRLE
	codecJPEG // lossy and lossless processes of T.81
	codecJPEGLS
	codecJPEG2000
)

// compressions are the syntaxes whose pixels are compressed, by UID.
var compressions = map[string]struct {
	name  string
	codec codecKind
}{
	rleLossless:               {"RLE Lossless", codecRLE},
	"1.2.840.10008.1.2.4.50":  {"JPEG Baseline", codecJPEG},
	"1.2.840.10008.1.2.4.51":  {"JPEG Extended", codecJPEG},
	"1.2.840.10008.1.2.4.57":  {"JPEG Lossless", codecJPEG},
	"1.2.840.10008.1.2.4.70":  {"JPEG Lossless SV1", codecJPEG},
	"1.2.840.10008.1.2.4.80":  {"JPEG-LS Lossless", codecJPEGLS},
	"1.2.840.10008.1.2.4.81":  {"JPEG-LS Near-lossless", codecJPEGLS},
	"1.2.840.10008.1.2.4.90":  {"JPEG 2000 Lossless", codecJPEG2000},
	"1.2.840.10008.1.2.4.91":  {"JPEG 2000", codecJPEG2000},
	"1.2.840.10008.1.2.4.92":  {"JPEG 2000 Part 2 Lossless", codecNone},
	"1.2.840.10008.1.2.4.93":  {"JPEG 2000 Part 2", codecNone},
	"1.2.840.10008.1.2.4.110": {"JPEG XL Lossless", codecNone},
	"1.2.840.10008.1.2.4.111": {"JPEG XL JPEG Recompression", codecNone},
	"1.2.840.10008.1.2.4.112": {"JPEG XL", codecNone},
	"1.2.840.10008.1.2.4.201": {"High-Throughput JPEG 2000 Lossless", codecNone},
	"1.2.840.10008.1.2.4.202": {"High-Throughput JPEG 2000 RPCL", codecNone},
	"1.2.840.10008.1.2.4.203": {"High-Throughput JPEG 2000", codecNone},
}

// syntax is how a data set is encoded.
type syntax struct {
	uid      string
	order    binary.ByteOrder
	implicit bool
	codec    codecKind // of its compressed pixels
}

// syntaxOf returns the encoding that a transfer syntax UID stands for. Compressed and unknown
// syntaxes have explicit VR little endian data sets (PS3.5 A.4).
func syntaxOf(uid string) syntax {
	switch uid {
	case implicitLE:
		return syntax{uid, binary.LittleEndian, true, codecNone}
	case explicitBE:
		return syntax{uid, binary.BigEndian, false, codecNone}
	}
	return syntax{uid, binary.LittleEndian, false, compressions[uid].codec}
}

// compressed reports whether the pixels are encapsulated.
func (s syntax) compressed() bool {
	switch s.uid {
	case implicitLE, explicitLE, explicitBE, deflatedLE:
		return false
	}
	return true
}

// decodable reports whether [Stack.Load] reads the pixels of this syntax.
func (s syntax) decodable() bool { return !s.compressed() || s.codec != codecNone }

// refusal names a syntax that is not read, and what to do about it.
func (s syntax) refusal() error {
	name := compressions[s.uid].name
	tool := "the archive's export as \"uncompressed\" or \"explicit VR little endian\""
	switch {
	case name == "":
		name = "an unknown transfer syntax (" + s.uid + ")"
	case strings.HasPrefix(name, "JPEG 2000"):
		tool = "gdcmconv --raw IN OUT"
	}
	return fmt.Errorf("%w: its pixels are compressed as %s; decompress the files first, with %s", ErrUnsupported, name, tool)
}
