package cluster

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/jsonfile"
)

// Submission is an array that Slurm took.
type Submission struct {
	Array    string    `json:"array"`            // its job number
	Report   string    `json:"report,omitempty"` // that of the report; "" where Slurm did not take it
	Cluster  string    `json:"cluster,omitempty"`
	Elements []int     `json:"elements"`
	Time     time.Time `json:"time"`
}

// history is the file that remembers submissions, the newest last.
type history struct {
	Submissions []Submission `json:"submissions"`
}

const (
	historyFile    = "jobs.json"
	historyVersion = 1
)

// Write writes files by name into a folder, which it makes where it is missing, each whole or not at all. Other files
// there stay. It fails with the file system's error.
func Write(folder string, files map[string][]byte) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	for name, text := range files {
		path := filepath.Join(folder, name)
		err := codec.WriteFile(path, func(w io.Writer) error { _, err := w.Write(text); return err })
		if err == nil && strings.HasSuffix(name, ".sh") {
			err = os.Chmod(path, 0o750) //nolint:gosec // people run it
		}
		if err != nil {
			return fmt.Errorf("cluster: %w", err)
		}
	}
	return nil
}

// Submissions returns what was submitted from a folder, the newest last; none where nothing was. It fails with a
// sentence where what it remembers cannot be read.
func Submissions(folder string) ([]Submission, error) {
	var h history
	if _, err := jsonfile.Open(filepath.Join(folder, historyFile), historyVersion, &h); err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	return h.Submissions, nil
}

// Submit submits the scripts that [Slurm.Scripts] describes and that were written into the folder: the array, and the
// report that waits for it. Both numbers are remembered in the folder; now is the time that is kept with them. It fails
// with [ErrQueued] while the last submission is not over, with [ErrNoSlurm], and with [ErrSlurm]. Where Slurm took the
// array and not the report, the submission is returned beside the error.
func (s Slurm) Submit(ctx context.Context, now time.Time) (Submission, error) {
	var h history
	file, err := jsonfile.Open(filepath.Join(s.Folder, historyFile), historyVersion, &h)
	if err != nil {
		return Submission{}, fmt.Errorf("cluster: %w", err)
	}
	file.Share()
	if n := len(h.Submissions); n > 0 {
		if err := notQueued(ctx, h.Submissions[n-1]); err != nil {
			return Submission{}, err
		}
	}
	sub := Submission{Elements: s.Indices, Time: now}
	if sub.Array, sub.Cluster, err = s.sbatch(ctx, ElementsScript); err != nil {
		return Submission{}, err
	}
	var refused error
	sub.Report, _, refused = s.sbatch(ctx, ReportScript, "--dependency=afterok:"+sub.Array, "--kill-on-invalid-dep=yes")
	h.Submissions = append(h.Submissions, sub)
	if err := file.Save(h); err != nil {
		return sub, fmt.Errorf("cluster: the elements were submitted as job %s, but this could not be remembered: %w", sub.Array, errors.Join(err, refused))
	}
	if refused != nil {
		return sub, fmt.Errorf("cluster: the elements were submitted as job %s, but not the report: %w", sub.Array, refused)
	}
	return sub, nil
}

// notQueued fails with [ErrQueued] while a submission is not over.
func notQueued(ctx context.Context, sub Submission) error {
	q, err := sub.Queue(ctx)
	if err != nil {
		return err
	}
	if q.Empty() {
		return nil
	}
	jobs := sub.Array
	if sub.Report != "" {
		jobs += " " + sub.Report
	}
	return fmt.Errorf("%w: job %s is %s; wait for it, or stop it with `scancel %s`, then submit again", ErrQueued, sub.Array, q, jobs)
}

// parsable is what sbatch --parsable prints: the number, and the cluster where there are several.
var parsable = regexp.MustCompile(`(?m)^([0-9]+)(?:;(\S+))?$`)

// sbatch submits a script of the folder and returns the job's number.
func (s Slurm) sbatch(ctx context.Context, script string, options ...string) (number, cluster string, err error) {
	out, err := ask(ctx, s.Folder, "sbatch", append(append([]string{"--parsable"}, options...), script)...)
	if err != nil {
		return "", "", err
	}
	m := parsable.FindStringSubmatch(strings.TrimSpace(out))
	if m == nil {
		return "", "", fmt.Errorf("%w: sbatch printed %q instead of a job's number; look at squeue before trying again", ErrSlurm, excerpt(out))
	}
	return m[1], m[2], nil
}

// Queue is what Slurm says about a submission that is not over.
type Queue struct {
	// States counts the elements that wait or run, by Slurm's names, such as PENDING and RUNNING.
	States map[string]int
	// Report is the state of the report's job, "" where it is not in the queue any more.
	Report string
	// Reasons are why what waits does so, by Slurm's names, such as Resources; each once.
	Reasons []string
}

// Empty reports whether nothing waits or runs any more.
func (q Queue) Empty() bool { return len(q.States) == 0 && q.Report == "" }

// String tells the states: "2 running, 1 pending (Resources), report pending".
func (q Queue) String() string {
	var parts []string
	for _, state := range states(q.States) {
		parts = append(parts, fmt.Sprintf("%d %s", q.States[state], strings.ToLower(state)))
	}
	if len(q.Reasons) > 0 && len(parts) > 0 {
		parts[len(parts)-1] += " (" + strings.Join(q.Reasons, ", ") + ")"
	}
	if q.Report != "" {
		parts = append(parts, "report "+strings.ToLower(q.Report))
	}
	return cmp.Or(strings.Join(parts, ", "), "not in the queue any more")
}

// Queue asks Slurm what of a submission waits or runs. It fails with [ErrNoSlurm] and [ErrSlurm].
func (sub Submission) Queue(ctx context.Context) (Queue, error) {
	jobs := sub.Array
	if sub.Report != "" {
		jobs += "," + sub.Report
	}
	args := []string{"--noheader", "--array", "--jobs=" + jobs, "--format=%F|%T|%r"}
	if sub.Cluster != "" {
		args = append(args, "--clusters="+sub.Cluster)
	}
	out, err := ask(ctx, "", "squeue", args...)
	if err != nil && strings.Contains(err.Error(), "Invalid job id") { // Slurm forgets jobs some minutes after their end
		return Queue{}, nil
	}
	if err != nil {
		return Queue{}, err
	}
	return parseQueue(out, sub), nil
}

// ask runs one of Slurm's commands and returns what it prints.
func ask(ctx context.Context, folder, name string, args ...string) (string, error) {
	path, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w: there is no %s; run this on a machine from which jobs are submitted, or copy the study folder there", ErrNoSlurm, name)
	}
	if err != nil {
		return "", fmt.Errorf("cluster: %w", err)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("cluster: %s: %w", name, ctx.Err())
	case err != nil && stderr.Len() > 0:
		return "", fmt.Errorf("%w: %s says %q; correct what it names, and try again", ErrSlurm, name, excerpt(stderr.String()))
	case err != nil:
		return "", fmt.Errorf("%w: %s ended with %w and said nothing; try `sinfo`, which tells whether Slurm runs", ErrSlurm, name, err)
	}
	return stdout.String(), nil
}

// excerpt is the beginning of what a command said, on one line.
func excerpt(text string) string {
	const most = 500
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

// parseQueue reads what squeue printed.
func parseQueue(out string, sub Submission) Queue {
	q := Queue{States: map[string]int{}}
	for line := range strings.Lines(out) {
		f := strings.SplitN(strings.TrimSpace(line), "|", 3)
		if len(f) != 3 {
			continue // the line that names a cluster
		}
		switch f[0] {
		case sub.Report:
			q.Report = f[1]
		case sub.Array:
			q.States[f[1]]++
			if f[1] == "PENDING" && f[2] != "None" && !slices.Contains(q.Reasons, f[2]) {
				q.Reasons = append(q.Reasons, f[2])
			}
		}
	}
	slices.Sort(q.Reasons)
	return q
}

// states orders states: those that run before those that wait, then by name.
func states(counts map[string]int) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		if (a == "PENDING") != (b == "PENDING") {
			return map[bool]int{true: 1, false: -1}[a == "PENDING"]
		}
		return cmp.Compare(a, b)
	})
}
