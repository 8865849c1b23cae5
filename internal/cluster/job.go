package cluster

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Errors of descriptions and of the engines; their texts end in what to do next.
var (
	// ErrJob marks a description that no engine could run.
	ErrJob = errors.New("cluster: unusable job")
	// ErrNoSlurm says that this machine has no sbatch or squeue.
	ErrNoSlurm = errors.New("cluster: Slurm's commands are not on this machine")
	// ErrSlurm marks what sbatch or squeue refused; the text quotes it.
	ErrSlurm = errors.New("cluster: Slurm refused")
	// ErrQueued says that an earlier submission of the same folder is still in the queue.
	ErrQueued = errors.New("cluster: already submitted")
)

// Busy is the exit code of an element that another process works on, such as one on a node that Slurm believes lost:
// EX_TEMPFAIL of sysexits.h.
const Busy = 75

// Job is what runs: an element's command for each index, then the report's.
type Job struct {
	// Name is for people; engines get a short form of it in letters, digits and hyphens, see [Job.Label].
	Name string
	// Element is the command of an element, a program and its arguments. The index is added as the last argument.
	Element []string
	// Report is the command that follows when every element succeeded.
	Report []string
	// Indices are the elements that are still to run, ascending, from 0 up.
	Indices []int
	// AtOnce bounds how many elements run at a time; 0 is no bound.
	AtOnce int
	// Environment is set for every command, on top of what the engine sets.
	Environment map[string]string

	CPUs   int // of an element, at least 1
	Memory int // of an element, MiB; 0 leaves it to the engine
	GPUs   int // of an element
	// Grace is how long an element may take to keep what it has when it must stop.
	Grace time.Duration
}

// bounds of what a description may hold.
const (
	maxIndex   = 1_000_000
	maxCPUs    = 4096
	maxMemory  = 1 << 26 // MiB, 64 TiB
	maxGPUs    = 1024
	maxGrace   = time.Hour
	labelRunes = 40
)

// refuse is an [ErrJob] in words.
func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrJob, fmt.Sprintf(format, args...))
}

// Validate reports, as [ErrJob], the first thing that cannot be.
func (j Job) Validate() error {
	switch {
	case len(j.Indices) == 0:
		return refuse("no element is left to run")
	case !slices.IsSorted(j.Indices) || j.Indices[0] < 0 || j.Indices[len(j.Indices)-1] > maxIndex:
		return refuse("the elements %s are not ascending numbers from 0 to %d", Spans(j.Indices), maxIndex)
	case j.AtOnce < 0:
		return refuse("%d elements at once; choose 1 or more, or 0 for no bound", j.AtOnce)
	case j.CPUs < 1 || j.CPUs > maxCPUs:
		return refuse("%d CPUs for an element; choose 1 to %d", j.CPUs, maxCPUs)
	case j.Memory < 0 || j.Memory > maxMemory:
		return refuse("%d MiB of memory for an element; choose up to %d, or 0 to leave it to the engine", j.Memory, maxMemory)
	case j.GPUs < 0 || j.GPUs > maxGPUs:
		return refuse("%d GPUs for an element; choose 0 to %d", j.GPUs, maxGPUs)
	case j.Grace < time.Second || j.Grace > maxGrace:
		return refuse("%s to stop in; choose a second to an hour", j.Grace)
	}
	for i, n := range j.Indices[1:] {
		if n == j.Indices[i] {
			return refuse("element %d is named twice", n)
		}
	}
	return errors.Join(validCommand("element", j.Element), validCommand("report", j.Report), validEnvironment(j.Environment))
}

// validCommand refuses what no system can start.
func validCommand(what string, words []string) error {
	if len(words) == 0 || words[0] == "" {
		return refuse("the command of the %s is empty", what)
	}
	for _, w := range words {
		if strings.ContainsRune(w, 0) {
			return refuse("the command of the %s holds a zero byte, which no command may: %q", what, w)
		}
	}
	return nil
}

// validEnvironment refuses names that shells and Kubernetes do not take alike.
func validEnvironment(env map[string]string) error {
	for name, value := range env {
		word := func(r rune) bool {
			return r == '_' || r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r))
		}
		if name == "" || unicode.IsDigit(rune(name[0])) || strings.ContainsFunc(name, func(r rune) bool { return !word(r) }) {
			return refuse("the environment variable %q; name it with letters, digits and underscores, not beginning with a digit", name)
		}
		if strings.ContainsRune(value, 0) {
			return refuse("the environment variable %s holds a zero byte", name)
		}
	}
	return nil
}

// Label is the job's name as every engine takes it: lower-case ASCII letters, digits and single hyphens, beginning with
// a letter, at most 50 characters.
func (j Job) Label() string {
	var b strings.Builder
	for _, r := range strings.ToLower(norm.NFKD.String(j.Name)) {
		if unicode.Is(unicode.Mn, r) {
			continue // the dots of an ä
		}
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			b.WriteRune(r)
		} else if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
		if b.Len() == labelRunes {
			break
		}
	}
	name := strings.TrimSuffix(b.String(), "-")
	switch {
	case name == "":
		return "bayeslice"
	case strings.HasPrefix(name, "bayeslice"):
		return name
	}
	return "bayeslice-" + name
}

// Spans writes ascending numbers as Slurm does: 3,7-9.
func Spans(numbers []int) string {
	var parts []string
	for i := 0; i < len(numbers); {
		last := i
		for last+1 < len(numbers) && numbers[last+1] == numbers[last]+1 {
			last++
		}
		span := fmt.Sprint(numbers[i])
		if last > i {
			span += fmt.Sprintf("-%d", numbers[last])
		}
		parts = append(parts, span)
		i = last + 1
	}
	return strings.Join(parts, ",")
}

// absolute refuses a folder that would mean another one on another machine.
func absolute(folder string) error {
	switch {
	case !filepath.IsAbs(folder):
		return refuse("the folder %q is not absolute", folder)
	case strings.ContainsRune(folder, 0):
		return refuse("the folder %q holds a zero byte", folder)
	}
	return nil
}
