package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWhatDoesNotCompileElsewhereIsFound plants a call that only Linux has, once behind a constraint and once not.
func TestWhatDoesNotCompileElsewhereIsFound(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":        "module bayeslice\n\ngo 1.26\n",
		"main.go":       "package main\n\n// int f(void);\nimport \"C\"\n\nfunc main() { C.f(); threads() }\n",
		"info_linux.go": "package main\n\nimport \"syscall\"\n\nfunc threads() int { return syscall.Gettid() }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	if found, n, err := check("linux", "amd64", "", "./..."); err != nil || len(found) > 0 || n != 1 {
		t.Errorf("linux: %v, %d, %v", found, n, err)
	}
	found, _, err := check("darwin", "arm64", "", "./...")
	if err != nil || len(found) != 1 || !strings.Contains(found[0], "threads") {
		t.Errorf("darwin: %v, %v", found, err)
	}
}
