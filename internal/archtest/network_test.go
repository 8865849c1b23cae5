package archtest

import (
	"bufio"
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"bayeslice/internal/testenv"
)

// networked are the packages linked into the program that can open sockets, and why nothing goes through them unasked. That
// nothing does is what the tests under strace watch; this table makes a new road a decision.
var networked = map[string]string{
	"bayeslice/internal/dicomweb":                  "sends and fetches, when the user says so",
	"bayeslice/app":                                "asks the local socket of the display whether anybody answers",
	"fyne.io/fyne/v2":                              "reads resources from an address where it is called so, which nothing does",
	"fyne.io/fyne/v2/internal/repository":          "opens http addresses where one is given, which nothing does",
	"github.com/godbus/dbus/v5":                    "speaks with the session's services by a local socket",
	"github.com/schollz/progressbar/v3":            "has a reader of downloads, which nothing uses",
	"github.com/spf13/pflag":                       "knows flags of addresses",
	"github.com/stretchr/testify/assert":           "comes with the toolkit's drawing into pictures",
	"github.com/stretchr/testify/require":          "as before",
	"github.com/tetratelabs/wazero":                "could lend sockets to a module; the module of OpenJPEG gets none",
	"github.com/tetratelabs/wazero/internal/sock":  "as before",
	"github.com/tetratelabs/wazero/internal/sys":   "as before",
	"github.com/tetratelabs/wazero/internal/sysfs": "as before",
}

// starters are the packages of the program that start other programs, and which.
var starters = map[string]string{
	"bayeslice/internal/ort/fetch": "npm, by `bayeslice setup` alone",
	"bayeslice/internal/ort":       "none: it looks up where the program itself lies",
	"bayeslice/internal/cluster":   "sbatch and squeue, by `bayeslice study slurm` alone",
}

// ways lists, of the packages linked into the program, those that import one of the given standard packages.
func ways(t *testing.T, libraries ...string) []string {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-tags", "migrated_fynedo", "-f", `{{if not .Standard}}{{.ImportPath}} {{join .Imports " "}}{{end}}`, ".")
	cmd.Dir = testenv.Root()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var found []string
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 {
			continue
		}
		for _, i := range fields[1:] {
			if contains(libraries, i) {
				found = append(found, fields[0])
				break
			}
		}
	}
	return found
}

func TestRoadsToTheNetworkAreKnown(t *testing.T) {
	for _, p := range ways(t, "net", "net/http", "net/smtp", "net/rpc", "crypto/tls") {
		if networked[p] == "" {
			t.Errorf("%s can reach the network: say in the table why nothing goes through it unasked", p)
		}
	}
}

func TestStartersOfProgramsAreKnown(t *testing.T) {
	for _, p := range ways(t, "os/exec") {
		if strings.HasPrefix(p, module+"/") && starters[p] == "" {
			t.Errorf("%s starts other programs: say in the table which, and when", p)
		}
	}
}

// The table is what is, so that a road that is gone is taken out.
func TestTablesOfRoadsHoldNothingElse(t *testing.T) {
	net, programs := ways(t, "net", "net/http", "net/smtp", "net/rpc", "crypto/tls"), ways(t, "os/exec")
	for p := range networked {
		if !contains(net, p) {
			t.Errorf("%s does not reach the network any more", p)
		}
	}
	for p := range starters {
		if !contains(programs, p) {
			t.Errorf("%s starts no programs any more", p)
		}
	}
}
