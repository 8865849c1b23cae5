package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bayeslice/internal/cluster"
	"bayeslice/internal/ort"
	"bayeslice/internal/study"
)

// clusterFolder is where scripts, manifests and logs are in a study's folder.
const clusterFolder = "cluster"

// clusterFlags are those that Slurm and Kubernetes share.
type clusterFlags struct {
	job             cluster.Job
	memory, program string
	environment     []string
}

func (c *clusterFlags) add(f *pflag.FlagSet) {
	f.StringVar(&c.job.Name, "name", "", "name of the job, for people (default: the study's)")
	f.IntVar(&c.job.AtOnce, "at-once", 0, "elements that run at a time, 0 for as many as there is room for")
	f.IntVar(&c.job.CPUs, "cpus", 0, "CPUs of an element (default: the threads that the study's file says)")
	f.StringVar(&c.memory, "memory", "", "memory of an element, such as 8G (default: the cluster's)")
	f.IntVar(&c.job.GPUs, "gpus", 0, "GPUs of an element; give --device too, and a --library that has it")
	f.DurationVar(&c.job.Grace, "grace", time.Minute, "time in which an element keeps a checkpoint when it must stop")
	f.StringArrayVar(&c.environment, "env", nil, "NAME=VALUE to set for each command; may be repeated")
}

// describe completes the job of a study: commands, what is missing, and what follows from its file. The folder and the
// library are those where it runs.
func (c *clusterFlags) describe(st *study.Study, folder, library, device string, missing []int) (cluster.Job, error) {
	j := c.job
	j.Indices, j.Environment = missing, map[string]string{}
	if j.Name == "" {
		j.Name = st.File().Name
	}
	if j.CPUs == 0 {
		for _, t := range st.File().Training {
			if t.Threads == 0 {
				return j, usageError("the study's file leaves training.threads to the machine; say with --cpus how many an element gets")
			}
			j.CPUs = max(j.CPUs, t.Threads)
		}
	}
	var err error
	if j.Memory, err = mebibytes("--memory", c.memory); err != nil {
		return j, err
	}
	for _, pair := range c.environment {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return j, usageError("--env %q is not NAME=VALUE", pair)
		}
		j.Environment[name] = value
	}
	var options []string
	if library != "" {
		options = append(options, "--library", library)
	}
	if device != "" {
		options = append(options, "--device", device)
	}
	j.Element = slices.Concat([]string{c.program, "study", "element"}, options, []string{folder, "--index"})
	j.Report = []string{c.program, "study", "report", folder}
	return j, nil
}

// mebibytes reads an amount of memory such as 8G, 512M or 1.5TiB: units of 1024. "" is 0.
func mebibytes(flag, text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	number := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(text)), "B"), "I")
	units := map[string]float64{"M": 1, "G": 1 << 10, "T": 1 << 20}
	for unit, factor := range units {
		if n, ok := strings.CutSuffix(number, unit); ok {
			v, err := strconv.ParseFloat(n, 64)
			if err == nil && v*factor >= 1 && v*factor <= 1<<40 {
				return int(v * factor), nil
			}
		}
	}
	return 0, usageError("%s %q is no amount of memory; write it as 512M, 8G or 1T", flag, text)
}

// missing lists the elements that are neither done nor under way, and says what is left out.
func (s *session) missing(ctx context.Context, st *study.Study) ([]int, error) {
	now, err := st.Status(ctx)
	if err != nil {
		return nil, err
	}
	var out []int
	for _, e := range now.Elements {
		if e.State == study.Left || e.State == study.Failed {
			out = append(out, e.Index)
		}
	}
	if n := now.Counts[study.Running]; n > 0 {
		fmt.Fprintf(s.Err, "note: %s under way in another process, to which it is left\n", are(n))
	}
	if len(out) == 0 && now.Counts[study.Running] == 0 {
		s.say("every element is done; the report is written by: bayeslice study report %s", shellWord(st.Dir()))
	}
	return out, nil
}

// are counts elements in a sentence.
func are(n int) string {
	if n == 1 {
		return "1 element is"
	}
	return fmt.Sprintf("%d elements are", n)
}

// slurmJob are the flags of study slurm.
type slurmJob struct {
	clusterFlags
	slurm  cluster.Slurm
	submit bool
}

func (s *session) studySlurmCommand() *cobra.Command {
	var j slurmJob
	c := &cobra.Command{
		Use:   "slurm FOLDER [--submit]",
		Short: "Run what is missing of a study on a Slurm cluster, as an array of jobs",
		Long: "Writes FOLDER/cluster/elements.sbatch, an array with one job per element that is missing, report.sbatch, which waits for all\nof them to succeed, and submit.sh, which submits both; --submit does so at once. An element that comes near its time\n" +
			"limit keeps a checkpoint and is queued again, as is one that is killed or whose node is lost; one that says why it\ncannot be done is not. The folder must be the same on every node. See docs/cluster.md.",
		Example: "  bayeslice study plan study.toml -o study\n  bayeslice study slurm study --time 12h --memory 8G --partition long --submit\n  bayeslice study status study",
		Args:    oneArg("the FOLDER of a study"),
		RunE: func(cmd *cobra.Command, args []string) error {
			st, err := study.Open(args[0])
			if err != nil {
				return err
			}
			return s.studySlurm(cmd.Context(), st, j)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.BoolVar(&j.submit, "submit", false, "submit the jobs, and say their numbers")
	f.DurationVar(&j.slurm.Time, "time", 0, "time limit of an element, such as 12h (default: the partition's)")
	f.StringVar(&j.slurm.Partition, "partition", "", "partition (default: the cluster's)")
	f.StringVar(&j.slurm.Account, "account", "", "account to charge (default: the user's)")
	f.StringVar(&j.slurm.QOS, "qos", "", "quality of service (default: the account's)")
	j.add(f)
	f.StringVar(&j.slurm.GPUType, "gpu-type", "", "type of GPU, as the cluster names it (default: any)")
	f.StringArrayVar(&j.slurm.Setup, "setup", nil, "line of shell to run before each command, such as \"module load cuda\"; may be repeated")
	f.StringArrayVar(&j.slurm.Options, "sbatch", nil, "one more option of sbatch, such as --sbatch=--constraint=avx2; may be repeated")
	f.StringVar(&j.program, "program", "", "this program on the nodes (default: where it is here)")
	return c
}

// studySlurm writes the scripts of a study, and submits them where asked to.
func (s *session) studySlurm(ctx context.Context, st *study.Study, j slurmJob) error {
	missing, err := s.missing(ctx, st)
	if err != nil || len(missing) == 0 {
		return err
	}
	if j.program == "" {
		if j.program, err = os.Executable(); err != nil {
			return fmt.Errorf("cli: where this program is: %w; give --program", err)
		}
	}
	library := s.library
	if library != "" {
		library = absolute(library)
	}
	job, err := j.describe(st, st.Dir(), library, s.device, missing)
	if err != nil {
		return err
	}
	if library := os.Getenv(ort.EnvLibrary); library != "" && s.library == "" { // not every cluster hands the environment on
		if _, given := job.Environment[ort.EnvLibrary]; !given {
			job.Environment[ort.EnvLibrary] = absolute(library)
		}
	}
	folder := filepath.Join(st.Dir(), clusterFolder)
	j.slurm.Job, j.slurm.Folder = job, folder
	scripts, err := j.slurm.Scripts()
	if err != nil {
		return err
	}
	if err := cluster.Write(folder, scripts); err != nil {
		return err
	}
	s.say("wrote %s, %s and %s in %s", cluster.ElementsScript, cluster.ReportScript, cluster.SubmitScript, folder)
	s.say("elements    %s of %d: %s", plural(len(missing), "job"), len(st.Elements()), cluster.Spans(missing))
	if !j.submit {
		s.say("submit them with: bash %s", shellWord(filepath.Join(folder, cluster.SubmitScript)))
		return nil
	}
	sub, err := j.slurm.Submit(ctx, time.Now())
	if err != nil {
		return err
	}
	s.say("submitted   elements as job %s, the report, which waits for them, as job %s", sub.Array, sub.Report)
	s.say("logs go to %s; look with: bayeslice study status %s", filepath.Join(folder, "logs"), shellWord(st.Dir()))
	return nil
}

// saySubmission tells what was last submitted to Slurm of a study, and what has become of it.
func (s *session) saySubmission(ctx context.Context, st *study.Study) error {
	all, err := cluster.Submissions(filepath.Join(st.Dir(), clusterFolder))
	if err != nil || len(all) == 0 {
		return err
	}
	last := all[len(all)-1]
	report := ""
	if last.Report != "" {
		report = ", report as job " + last.Report
	}
	queue, err := last.Queue(ctx)
	said := queue.String()
	switch {
	case errors.Is(err, cluster.ErrNoSlurm):
		said = "Slurm cannot be asked from this machine"
	case errors.Is(err, cluster.ErrSlurm):
		said = sentence(err)
	case err != nil:
		return err
	}
	s.say("Slurm: elements %s submitted on %s as job %s%s: %s", cluster.Spans(last.Elements), last.Time.Local().Format("2006-01-02 15:04"), last.Array, report, said)
	return nil
}
