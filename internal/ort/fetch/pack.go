package fetch

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// npmPack lets npm bring the package file into dir, and returns its path. npm follows the user's
// own settings (mirror, proxy, cache) and runs no script of the package.
func npmPack(ctx context.Context, npm string, p pin, dir string) (string, error) {
	program, err := exec.LookPath(npm)
	if err != nil {
		return "", fmt.Errorf("%w: npm is not installed; install Node.js (it brings npm) and try again, or fetch the package file elsewhere (npm pack %s@%s) and name it with --tarball", ErrNPM, p.name, p.version)
	}
	cmd := exec.CommandContext(ctx, program, "pack", p.name+"@"+p.version,
		"--pack-destination", dir, "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel", "error")
	cmd.Dir = dir
	cmd.WaitDelay = 5 * time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", fmt.Errorf("%w: %s; check the network connection and npm's settings, and try again", ErrNPM, npmReason(stderr.String(), err))
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("%w: it left %d package files where one was expected", ErrNPM, len(found))
	}
	return found[0], nil
}

// npmReason picks the telling line of npm's output.
func npmReason(output string, err error) string {
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(line, "npm error "), "npm ERR! "))
		if line != "" && !strings.HasPrefix(line, "code ") && !strings.HasPrefix(line, "errno ") {
			return line
		}
	}
	return err.Error()
}

// checkSum compares the file's SHA-512 with the pinned one, and rewinds the file. A file that does
// not match is deleted by the caller with its staging folder.
func checkSum(ctx context.Context, f *os.File, p pin, on func(Progress)) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("fetch: package file: %w", err)
	}
	h := sha512.New()
	r := &meter{stop: ctx.Err, r: f, report: func(n int64) { on(Progress{Checking, n, info.Size()}) }}
	if _, err := io.Copy(h, r); err != nil {
		return readError(ctx, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != p.sha512 {
		return fmt.Errorf("%w: the SHA-512 of %s@%s is %s… where %s… is expected, so the file is damaged or not the one this program was tested with; nothing was unpacked; run `npm cache clean --force`, and try again", ErrChecksum, p.name, p.version, got[:16], p.sha512[:16])
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("fetch: package file: %w", err)
	}
	return nil
}

func readError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var path *os.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("fetch: %w", err)
	}
	return fmt.Errorf("%w: %w", ErrPackage, err)
}

// meter counts what is read, reports every few megabytes, and stops when stop says so.
type meter struct {
	stop   func() error
	r      io.Reader
	n      int64
	told   int64
	report func(n int64)
}

func (m *meter) Read(b []byte) (int, error) {
	if err := m.stop(); err != nil {
		return 0, err
	}
	n, err := m.r.Read(b)
	m.n += int64(n)
	if m.n-m.told >= 4<<20 || err == io.EOF {
		m.told = m.n
		m.report(m.n)
	}
	return n, err
}
