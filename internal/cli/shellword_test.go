package cli

import (
	"errors"
	"io/fs"
	"os/exec"
	"runtime"
	"testing"
)

// TestShellWord has a shell read what is printed for people to copy, and gets the path back.
func TestShellWord(t *testing.T) {
	if got := shellWord("runs/über-1.2"); got != "runs/über-1.2" {
		t.Errorf("a plain path became %q", got)
	}
	if runtime.GOOS == "windows" {
		t.Skip("no POSIX shell to ask")
	}
	for _, path := range []string{"runs/a", "my runs/ü 1", "a'b", `a"b $HOME !x`, "a`b`", "x;y&z", "*", "a\\b", `a\`, "it's $5", "", "~"} {
		out, err := exec.Command("sh", "-c", "printf %s "+shellWord(path)).Output()
		if err != nil || string(out) != path {
			t.Errorf("%q is printed as %s, which a shell reads as %q (%v)", path, shellWord(path), out, err)
		}
	}
	if got := shellWord("-o"); got != "./-o" {
		t.Errorf("-o became %q", got)
	}
}

// TestSentenceWithoutSystemCall sees that a missing file is told without the name of the call.
func TestSentenceWithoutSystemCall(t *testing.T) {
	for err, want := range map[error]string{
		&fs.PathError{Op: "stat", Path: "nofolder", Err: errors.New("no such file or directory")}: "nofolder: no such file or directory.",
		&fs.PathError{Op: "stat", Path: "a/b", Err: errors.New("no such file or directory")}:      "a/b: no such file or directory.",
		errors.New("inference: stat is fine: lstat x.onnx: gone"):                                 "is fine: x.onnx: gone.",
	} {
		if got := sentence(err); got != want {
			t.Errorf("%v became %q, not %q", err, got, want)
		}
	}
}
