package cluster

import (
	"bytes"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
	"time"
	"unicode"
)

// Slurm is a [Job] as Slurm runs it: an array of batch jobs, and one for the report that depends on it.
type Slurm struct {
	Job
	// Folder is where the scripts are and from which they run, absolute, and on every node the same. Logs go to "logs" in it.
	Folder string
	// Time is the limit of an element; 0 takes the partition's. An element that comes near it stops and is queued again.
	Time                    time.Duration
	Partition, Account, QOS string // "" takes the cluster's
	GPUType                 string // of [Job.GPUs]; "" takes any
	// Options are more options of sbatch, such as "--constraint=avx2", for the elements and the report.
	Options []string
	// Setup are lines of shell that run before each command, as they are: "module load cuda".
	Setup []string
}

// Names of the files that [Slurm.Scripts] describes.
const (
	ElementsScript = "elements.sbatch"
	ReportScript   = "report.sbatch"
	SubmitScript   = "submit.sh"
	logFolder      = "logs"
)

// Bounds of starting an element again, per submission.
const (
	maxKills    = 5   // after being killed, or while it is busy: out of memory stays out of memory
	maxRequeues = 100 // for whatever reason, each of which kept something
)

//go:embed slurm.tmpl
var slurmText string

var slurmTemplates = template.Must(template.New("slurm").Funcs(template.FuncMap{"quote": quote}).Parse(slurmText))

// Scripts returns the array's, the report's and the one that submits both, by file name. It fails with [ErrJob].
func (s Slurm) Scripts() (map[string][]byte, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	data := struct {
		Slurm
		Directives, ReportDirectives []string
		Variables                    [][2]string
		MaxKills, MaxRequeues, Busy  int
	}{s, s.directives(true), s.directives(false), variables(s.Environment), maxKills, maxRequeues, Busy}
	out := map[string][]byte{}
	for _, name := range []string{ElementsScript, ReportScript, SubmitScript} {
		var b bytes.Buffer
		if err := slurmTemplates.ExecuteTemplate(&b, name, data); err != nil {
			return nil, fmt.Errorf("cluster: %w", err) // a fault of the program
		}
		out[name] = b.Bytes()
	}
	return out, nil
}

// directives are the options of sbatch that stand in a script. Nothing in them needs quoting: names are checked, and
// paths are in the script itself, since Slurm expands % in the paths of logs.
func (s Slurm) directives(elements bool) []string {
	d := []string{"--job-name=" + s.Label(), "--nodes=1", "--ntasks=1", "--output=/dev/null"}
	if elements {
		array := Spans(s.Indices)
		if s.AtOnce > 0 {
			array += fmt.Sprintf("%%%d", s.AtOnce)
		}
		d = append(d, "--array="+array, fmt.Sprintf("--cpus-per-task=%d", s.CPUs), "--requeue",
			fmt.Sprintf("--signal=B:USR1@%d", int(s.Grace/time.Second)))
		if s.GPUs > 0 {
			d = append(d, "--gres="+strings.Join(slices.DeleteFunc([]string{"gpu", s.GPUType, fmt.Sprint(s.GPUs)}, func(w string) bool { return w == "" }), ":"))
		}
	} else {
		d = append(d, "--cpus-per-task=1", "--requeue")
		d[0] += "-report"
	}
	if s.Memory > 0 {
		d = append(d, fmt.Sprintf("--mem=%dM", s.Memory))
	}
	if s.Time > 0 {
		d = append(d, "--time="+limit(s.Time))
	}
	for _, o := range []struct{ name, value string }{{"partition", s.Partition}, {"account", s.Account}, {"qos", s.QOS}} {
		if o.value != "" {
			d = append(d, "--"+o.name+"="+o.value)
		}
	}
	return append(d, s.Options...)
}

// validate checks what only Slurm has.
func (s Slurm) validate() error {
	if err := s.Validate(); err != nil {
		return err
	}
	if err := absolute(s.Folder); err != nil {
		return err
	}
	if s.Time != 0 && s.Time < time.Minute+s.Grace {
		return refuse("a time limit of %s, of which %s are to stop in; choose at least a minute more, or 0 for the partition's", s.Time, s.Grace)
	}
	for _, o := range []struct{ what, value string }{{"partition", s.Partition}, {"account", s.Account}, {"QOS", s.QOS}, {"type of GPU", s.GPUType}} {
		if strings.ContainsFunc(o.value, notInName) {
			return refuse("the %s %q; Slurm's names hold letters, digits and . _ - , = / @ + alone", o.what, o.value)
		}
	}
	for _, o := range s.Options {
		if !strings.HasPrefix(o, "-") || strings.ContainsFunc(o, notInOption) {
			return refuse("the option %q; write it as sbatch has it, --name=value, without blanks and quotes", o)
		}
	}
	for _, line := range s.Setup {
		if strings.ContainsAny(line, "\x00\n\r") {
			return refuse("the line %q is more than one line of shell; give it in several", line)
		}
	}
	return nil
}

// notInName finds what a name of Slurm does not hold.
func notInName(r rune) bool {
	return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-,=/@+", r)
}

// notInOption finds what would need quoting in a line that sbatch reads.
func notInOption(r rune) bool {
	return unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune("\"'\\#`", r)
}

// limit writes a time as Slurm reads it, D-HH:MM:SS.
func limit(d time.Duration) string {
	s := int(d.Round(time.Second) / time.Second)
	return fmt.Sprintf("%d-%02d:%02d:%02d", s/86400, s/3600%24, s/60%60, s%60)
}

// variables lists an environment by name.
func variables(env map[string]string) [][2]string {
	var out [][2]string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		out = append(out, [2]string{name, env[name]})
	}
	return out
}

// quote returns a word as bash reads it back, whatever bytes other than zero it holds. A carriage return is spelled
// out: sbatch refuses scripts whose lines end in one.
func quote(word string) string {
	word = strings.ReplaceAll(word, `'`, `'\''`)
	return `'` + strings.ReplaceAll(word, "\r", `'$'\r''`) + `'`
}
