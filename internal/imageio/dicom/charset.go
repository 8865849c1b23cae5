package dicom

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// charset decodes the text of a data set (PS3.5 6.1, PS3.3 C.12.1.1.2). The zero value is the default repertoire.
type charset struct {
	whole encoding.Encoding // of an encoding without code extensions; nil: the rest is valid
	utf8  bool
	upper encoding.Encoding // of bytes above 0x7F at the start of a value and after a delimiter; nil: none is defined
	loose encoding.Encoding // of such bytes in text that lacks the escapes it should have; nil: none
}

// repertoires are the defined terms but for their "ISO_IR " or "ISO 2022 IR ".
var repertoires = map[string]encoding.Encoding{
	"100": charmap.ISO8859_1, "101": charmap.ISO8859_2, "109": charmap.ISO8859_3, "110": charmap.ISO8859_4,
	"144": charmap.ISO8859_5, "127": charmap.ISO8859_6, "126": charmap.ISO8859_7, "138": charmap.ISO8859_8,
	"148": charmap.ISO8859_9, "203": charmap.ISO8859_15, "166": charmap.Windows874, "13": japanese.ShiftJIS,
	"149": korean.EUCKR, "58": simplifiedchinese.GBK,
}

// escapes are the sequences after ESC that PS3.3 tables C.12-3 and C.12-4 define. A pair replaces the lower half of
// the code table by two-byte codes, the others the upper half.
var escapes = []struct {
	sequence string
	term     string // of repertoires; "": ASCII in the lower half again
	pair     bool
}{
	{"(B", "", false}, {"(J", "", false}, {")I", "13", false}, {"$B", "", true}, {"$(D", "", true}, {"$)C", "149", false}, {"$)A", "58", false},
	{"-A", "100", false}, {"-B", "101", false}, {"-C", "109", false}, {"-D", "110", false}, {"-L", "144", false}, {"-G", "127", false},
	{"-F", "126", false}, {"-H", "138", false}, {"-M", "148", false}, {"-b", "203", false}, {"-T", "166", false},
}

// newCharset reads a value of SpecificCharacterSet.
func newCharset(value []byte) charset {
	terms := strings.Split(strings.Trim(string(value), " \x00"), "\\")
	switch strings.TrimSpace(terms[0]) {
	case "ISO_IR 192":
		return charset{utf8: true}
	case "GB18030":
		return charset{whole: simplifiedchinese.GB18030}
	case "GBK":
		return charset{whole: simplifiedchinese.GBK}
	}
	var c charset
	for i, term := range terms {
		number := strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(term), "ISO_IR "), "ISO 2022 IR ")
		if i == 0 {
			c.upper = repertoires[number]
		} else if c.loose == nil {
			c.loose = repertoires[number]
		}
	}
	return c
}

// hasText reports whether the values of a VR are text in the data set's repertoire (PS3.5 6.1.2.3).
func hasText(vr string) bool {
	switch vr {
	case "PN", "LO", "SH", "ST", "LT", "UT", "UC":
		return true
	}
	return false
}

// utf8Of returns text as UTF-8. What the repertoire does not define is taken as UTF-8 where it is that, else as Latin-1, which
// is what systems write that do not say. Names of persons have delimiters of their own.
func (c charset) utf8Of(text []byte, name bool) []byte {
	switch {
	case !bytes.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf || r == 0x1B }):
		return text
	case c.utf8:
		return bytes.ToValidUTF8(text, []byte("\uFFFD"))
	case c.whole != nil:
		return decoded(c.whole, text)
	}
	if c.upper == nil && !bytes.Contains(text, []byte{0x1B}) {
		if utf8.Valid(text) {
			return text
		}
		c.upper = c.loose
	}
	var out []byte
	upper, prefix := c.upper, "" // prefix: the escape of a two-byte lower half
	for len(text) > 0 {
		if text[0] == 0x1B {
			n, next, pair := c.escape(text[1:])
			switch {
			case pair:
				prefix = string(text[:1+n])
			case next != nil:
				upper = next
			case n > 0:
				prefix = ""
			}
			text = text[1+n:]
			continue
		}
		n := segment(text, prefix != "", name)
		out = append(out, decodeSegment(text[:n], prefix, upper)...)
		if text = text[n:]; prefix == "" && len(text) > 0 && text[0] != 0x1B { // a delimiter brings back the first repertoire
			out = append(out, text[0])
			text, upper = text[1:], c.upper
		}
	}
	return out
}

// escape reads the sequence after ESC: its length (0 where it is none), what it puts into the upper half, and whether the lower
// half has two-byte codes from there on.
func (c charset) escape(b []byte) (n int, upper encoding.Encoding, pair bool) {
	for _, e := range escapes {
		if bytes.HasPrefix(b, []byte(e.sequence)) {
			return len(e.sequence), repertoires[e.term], e.pair
		}
	}
	return 0, nil, false
}

// segment is how many bytes come before the next escape or, where those are no halves of pairs, the next delimiter.
func segment(text []byte, pairs, name bool) int {
	end := "\x1B\\\r\n\f"
	switch {
	case pairs:
		end = "\x1B"
	case name:
		end += "^="
	}
	if n := bytes.IndexAny(text, end); n >= 0 {
		return n
	}
	return len(text)
}

// decodeSegment decodes text without escapes.
func decodeSegment(text []byte, prefix string, upper encoding.Encoding) []byte {
	switch {
	case prefix != "":
		return decoded(japanese.ISO2022JP, append([]byte(prefix), text...))
	case upper == nil:
		return decoded(charmap.ISO8859_1, text)
	}
	return decoded(upper, text)
}

// decoded never fails: these decoders write U+FFFD for what they do not know.
func decoded(e encoding.Encoding, text []byte) []byte {
	out, err := e.NewDecoder().Bytes(text)
	if err != nil {
		return bytes.ToValidUTF8(text, []byte("\uFFFD"))
	}
	return out
}
