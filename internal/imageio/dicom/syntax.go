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
	jpegLL14    = "1.2.840.10008.1.2.4.57"
	jpegLLSV1   = "1.2.840.10008.1.2.4.70"
)

// compressedNames are the names of syntaxes whose pixels are compressed.
var compressedNames = map[string]string{
	rleLossless:               "RLE Lossless",
	"1.2.840.10008.1.2.4.50":  "JPEG Baseline",
	"1.2.840.10008.1.2.4.51":  "JPEG Extended",
	jpegLL14:                  "JPEG Lossless",
	jpegLLSV1:                 "JPEG Lossless SV1",
	"1.2.840.10008.1.2.4.80":  "JPEG-LS Lossless",
	"1.2.840.10008.1.2.4.81":  "JPEG-LS Near-lossless",
	"1.2.840.10008.1.2.4.90":  "JPEG 2000 Lossless",
	"1.2.840.10008.1.2.4.91":  "JPEG 2000",
	"1.2.840.10008.1.2.4.92":  "JPEG 2000 Part 2 Lossless",
	"1.2.840.10008.1.2.4.93":  "JPEG 2000 Part 2",
	"1.2.840.10008.1.2.4.110": "JPEG XL Lossless",
	"1.2.840.10008.1.2.4.112": "JPEG XL",
	"1.2.840.10008.1.2.4.201": "High-Throughput JPEG 2000 Lossless",
	"1.2.840.10008.1.2.4.202": "High-Throughput JPEG 2000 RPCL",
	"1.2.840.10008.1.2.4.203": "High-Throughput JPEG 2000",
}

// syntax is how a data set is encoded.
type syntax struct {
	uid      string
	order    binary.ByteOrder
	implicit bool
}

// syntaxOf returns the encoding that a transfer syntax UID stands for. Compressed and unknown
// syntaxes have explicit VR little endian data sets (PS3.5 A.4).
func syntaxOf(uid string) syntax {
	switch uid {
	case implicitLE:
		return syntax{uid, binary.LittleEndian, true}
	case explicitBE:
		return syntax{uid, binary.BigEndian, false}
	}
	return syntax{uid, binary.LittleEndian, false}
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
func (s syntax) decodable() bool {
	return !s.compressed() || s.uid == rleLossless || s.uid == jpegLL14 || s.uid == jpegLLSV1
}

// refusal names a syntax that is not read, and what to do about it.
func (s syntax) refusal() error {
	name, ok := compressedNames[s.uid]
	if !ok {
		name = "an unknown transfer syntax (" + s.uid + ")"
	}
	tool := "gdcmconv --raw IN OUT"
	switch {
	case strings.HasPrefix(name, "JPEG-LS"):
		tool = "dcmdjpls IN OUT or " + tool
	case name == "JPEG Baseline" || name == "JPEG Extended":
		tool = "dcmdjpeg IN OUT or " + tool
	case !ok || strings.HasPrefix(name, "JPEG XL") || strings.HasPrefix(name, "High-Throughput"):
		tool = "the archive's export as \"uncompressed\" or \"explicit VR little endian\""
	}
	return fmt.Errorf("%w: its pixels are compressed as %s; decompress the files first, with %s", ErrUnsupported, name, tool)
}
