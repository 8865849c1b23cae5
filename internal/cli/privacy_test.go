package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"bayeslice/internal/ort"
	"bayeslice/internal/privacytest"
)

// privacyCommands are what the script about privacy can do besides.
var privacyCommands = map[string]func(*testscript.TestScript, bool, []string){
	"identify": identify, "watched": watched, "names": namesLeft, "exposed": exposedLeft, "empty": emptyFolder,
}

// straceWorks is whether calls about sockets can be watched; [TestStraceIsThere] says where they cannot.
var straceWorks = sync.OnceValue(func() bool { return privacytest.TryStrace() == nil })

func TestStraceIsThere(t *testing.T) { privacytest.NeedStrace(t) }

// identify DIR WHICH gives the DICOM files of a folder the values of [privacytest.Identify].
func identify(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: identify DIR WHICH")
	}
	ts.Check(privacytest.Identify(ts.MkAbs(args[0]), args[1]))
}

// watched ARGUMENTS runs bayeslice under strace, with files readable by everyone as most systems have it, and asks that it
// makes no connection. With ! it must fail, with "! connects" as first arguments it must connect. What it prints is
// kept in left/console.
func watched(ts *testscript.TestScript, neg bool, args []string) {
	connects := len(args) > 0 && args[0] == "connects"
	if connects {
		args = args[1:]
	}
	console := ts.MkAbs("left/console")
	ts.Check(os.MkdirAll(console, 0o700))
	done, err := filepath.Glob(filepath.Join(console, "*.out"))
	ts.Check(err)
	name := fmt.Sprintf("%02d", len(done)+1)
	trace := ts.MkAbs("trace-" + name)
	command := append([]string{"bayeslice"}, args...)
	if straceWorks() {
		command = append([]string{"strace"}, privacytest.Strace(trace, command...)...)
	}
	err = ts.Exec("sh", append([]string{"-c", `umask 022; exec "$@"`, "sh"}, command...)...)
	for _, stream := range []string{"stdout", "stderr"} {
		ts.Check(os.WriteFile(filepath.Join(console, name+"."+stream[3:]), []byte(ts.ReadFile(stream)), 0o600))
	}
	if (err != nil) != neg {
		ts.Fatalf("bayeslice %s: %v", strings.Join(args, " "), err)
	}
	if !straceWorks() {
		return
	}
	families, foreign, err := privacytest.Families(trace)
	ts.Check(err)
	ts.Logf("sockets: %v", families)
	if connects && len(foreign) == 0 {
		ts.Fatalf("nobody would see a connection")
	}
	if !connects && len(foreign) > 0 {
		ts.Fatalf("it reaches for the network:\n%s", strings.Join(foreign, "\n"))
	}
}

// namesLeft DIR FILE asks that nothing below a folder names the patient but what the lines of a file allow: each is a
// regular expression for lines of [privacytest.Search], and each must be needed.
func namesLeft(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: names DIR ALLOWED")
	}
	var allowed []*regexp.Regexp
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			allowed = append(allowed, regexp.MustCompile("^(?:"+line+")$"))
		}
	}
	found, err := privacytest.Search(ts.MkAbs(args[0]), privacytest.Marks())
	ts.Check(err)
	needed, bad := map[*regexp.Regexp]bool{}, []string(nil)
hits:
	for _, hit := range found {
		for _, a := range allowed {
			if a.MatchString(hit) {
				needed[a] = true
				continue hits
			}
		}
		bad = append(bad, hit)
	}
	for _, a := range allowed {
		if !needed[a] {
			bad = append(bad, "not needed: "+a.String())
		}
	}
	if len(bad) > 0 {
		ts.Fatalf("patients are named:\n%s", strings.Join(bad, "\n"))
	}
}

// exposedLeft DIR asks that nobody but its owner may read what is below a folder.
func exposedLeft(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: exposed DIR")
	}
	open, err := privacytest.Exposed(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(open) > 0 {
		ts.Fatalf("others may read:\n%s", strings.Join(open, "\n"))
	}
}

// emptyFolder DIR asks that nothing is in a folder.
func emptyFolder(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: empty DIR")
	}
	left, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(left) > 0 {
		ts.Fatalf("%s holds %v", args[0], left)
	}
}

// runtimeLibrary is where ONNX Runtime is on this machine, or "".
func runtimeLibrary() string {
	env, err := ort.Open(ort.Options{})
	if err != nil {
		return ""
	}
	return env.Library().Path
}
