package fetch

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime"
)

// librarySHA256 are the digests of the libraries in the pinned package, by operating system and processor.
var librarySHA256 = map[string]string{
	"linux/amd64":   "d8aff4aa8abee8fb2abb2f2f2459ffc94461e781e41b9f7c072829dd0d470221",
	"linux/arm64":   "c36bc200e7e6c093b8abb0b34590fbdd8c52fd3fb5e33795b9523ffdde2fce0f",
	"darwin/arm64":  "89f692a3a1a224e4ad0b796b0e7c0bd81113b0741bfe84211eceef14d05a9e59",
	"windows/amd64": "273f9ef9cf755c6a0f342226a80448156c10ceb74db2ae8c8370dc98e75af0eb",
	"windows/arm64": "908ce63e73f375e90daabe24c52486b42392c19df3d63973a26f871cfeab5453",
}

// Check reads a library to its end and compares it with the one in the pinned package for this platform. It is for
// those who pass a library on. It fails with [ErrChecksum] where it is another, and with [ErrPlatform] where there is none.
func Check(path string) error {
	want, ok := librarySHA256[runtime.GOOS+"/"+runtime.GOARCH]
	if !ok {
		return fmt.Errorf("%w (%s/%s)", ErrPlatform, runtime.GOOS, runtime.GOARCH)
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("%w: the SHA-256 of %s is %s… where %s… is expected; delete its folder and run `bayeslice setup` again", ErrChecksum, path, got[:16], want[:16])
	}
	return nil
}
