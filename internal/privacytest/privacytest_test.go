package privacytest

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// Whatever a mark is wrapped in, it is found; what only resembles one is not.
func TestSearchFindsWhatIsPacked(t *testing.T) {
	root, secret := t.TempDir(), []byte("patient QZSURNAME, born 19310217")
	var wide []byte
	for _, u := range utf16.Encode([]rune("QZSURNAME")) {
		wide = append(wide, byte(u>>8), byte(u))
	}
	var packed, zipped, nested bytes.Buffer
	g := gzip.NewWriter(&packed)
	z := zip.NewWriter(&zipped)
	entry, err := z.Create("inside.txt")
	if err != nil {
		t.Fatal(err)
	}
	l := zlib.NewWriter(&nested)
	for _, w := range []interface{ Write([]byte) (int, error) }{g, entry, l} {
		if _, err := w.Write(secret); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []interface{ Close() error }{g, z, l} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range map[string][]byte{
		"plain": []byte("qzSurname 19310217"), "wide": wide, "gzip": packed.Bytes(), "zip": zipped.Bytes(),
		"pdf": append([]byte("%PDF stream\n"), nested.Bytes()...), "QZSURNAME.txt": nil,
		"clean": []byte("QZSURNAM 5193102171 0.19310217 surname"),
	} {
		if err := os.WriteFile(filepath.Join(root, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Search(root, []string{"QZSURNAME", "19310217"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"QZSURNAME.txt: QZSURNAME", "gzip: 19310217", "gzip: QZSURNAME", "pdf: 19310217", "pdf: QZSURNAME", "plain: 19310217",
		"plain: QZSURNAME", "wide: QZSURNAME", "zip: 19310217", "zip: QZSURNAME"}
	if !slices.Equal(got, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestFamiliesNamesOtherNetworksAlone(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace")
	text := `10 socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 3
10 connect(3, {sa_family=AF_UNIX, sun_path=@"/tmp/.X11-unix/X9"}, 20) = 0
11 socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP) = 4
11 sendto(5, "x", 1, 0, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("10.0.0.1")}, 16) = 1
`
	if err := os.WriteFile(trace, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	families, foreign, err := Families(trace)
	if err != nil || !slices.Equal(families, []string{"AF_INET", "AF_INET6", "AF_UNIX"}) || len(foreign) != 2 {
		t.Errorf("%q, %q, %v", families, foreign, err)
	}
}
