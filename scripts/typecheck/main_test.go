package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWhatDoesNotCompileElsewhereIsFound plants a call that only Linux has, once behind a constraint and once not, and a test of
// what only Linux has.
func TestWhatDoesNotCompileElsewhereIsFound(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":             "module bayeslice\n\ngo 1.26\n",
		"main.go":            "package main\n\n// int f(void);\nimport \"C\"\n\nfunc main() { C.f(); threads() }\n",
		"info_linux.go":      "package main\n\nimport \"syscall\"\n\nfunc threads() int { return syscall.Gettid() }\n",
		"info_test.go":       "package main\n\nimport \"testing\"\n\nfunc TestThreads(t *testing.T) { t.Log(threads(), page) }\n",
		"page_linux_test.go": "package main\n\nconst page = 4096\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	if found, n, tests, err := check("linux", "amd64", "", "./..."); err != nil || len(found) > 0 || n != 1 || tests != 1 {
		t.Errorf("linux: %v, %d, %d, %v", found, n, tests, err)
	}
	found, _, _, err := check("darwin", "arm64", "", "./...")
	all := strings.Join(found, "\n")
	if err != nil || len(found) != 3 || !strings.Contains(all, "main.go:6:22: undefined: threads") || !strings.Contains(all, "undefined: page") {
		t.Errorf("darwin: %v, %v", found, err)
	}
}
