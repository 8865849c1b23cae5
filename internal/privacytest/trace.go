package privacytest

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bayeslice/internal/testenv"
)

// TryStrace says why nobody can watch for connections here: strace is missing, or may not trace.
func TryStrace() error {
	return exec.Command("strace", Strace(os.DevNull, "true")...).Run()
}

// NeedStrace skips the test where strace is missing or may not trace, or fails it where BAYESLICE_REQUIRE names "strace".
func NeedStrace(t testing.TB) {
	t.Helper()
	if err := TryStrace(); err != nil {
		testenv.SkipOrFail(t, "strace", "strace does not work, so that nobody watches for connections: "+err.Error()+" (make setup-test)")
	}
}

// Strace returns the arguments of strace that write every call about sockets, of a command and whatever it starts, into
// the file trace. The kernel lets other calls pass, so that the command is hardly slower.
func Strace(trace string, command ...string) []string {
	return append([]string{"-f", "--seccomp-bpf", "-qq", "-s", "64", "-e", "trace=%network", "-e", "signal=none", "-o", trace, "--"}, command...)
}

var family = regexp.MustCompile(`\b[AP]F_[A-Z0-9]+\b`)

// Families reads what strace wrote and returns the families of addresses that sockets were made for or sent to, in order, and
// the lines that speak of another family than those of this machine alone: local sockets (AF_UNIX), which displays and the
// session's services use, and the kernel's own (AF_NETLINK).
func Families(trace string) (families, foreign []string, err error) {
	data, err := os.ReadFile(trace)
	if err != nil {
		return nil, nil, fmt.Errorf("privacytest: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		for _, f := range family.FindAllString(line, -1) {
			if !slices.Contains(families, f) {
				families = append(families, f)
			}
			if f != "AF_UNIX" && f != "AF_NETLINK" && (len(foreign) == 0 || foreign[len(foreign)-1] != line) {
				foreign = append(foreign, line)
			}
		}
	}
	slices.Sort(families)
	return families, foreign, nil
}
