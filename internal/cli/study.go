package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"bayeslice/internal/devices"
	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/models"
	"bayeslice/internal/ort"
	"bayeslice/internal/study"
)

func (s *session) studyCommand() *cobra.Command {
	c := group("study", "Repeat the paper's study: train and evaluate every task, loss, run and fold",
		s.studyInitCommand(), s.studyRunCommand(), s.studyPlanCommand(), s.studyStatusCommand(), s.studyElementCommand(), s.studyReportCommand(),
		s.studySlurmCommand(), s.studyKubernetesCommand())
	c.Long = "A study file names tasks, losses, runs and folds. Each combination is an element: a training and its evaluation on the\nfold that it did not learn from. `study run` does what is missing and may be stopped and started again at any\n" +
		"time, also in several processes at once; the numbers in the end are the same.\n\n" + disclaimer
	c.Example = "  bayeslice study init -o study.toml\n  bayeslice study run study.toml -o study\n  bayeslice study status study\n  bayeslice study report study"
	return c
}

func (s *session) studyInitCommand() *cobra.Command {
	var out string
	var overwrite bool
	c := &cobra.Command{Use: "init -o FILE", Short: "Write an example of a study file, with comments", Args: noArgs, RunE: func(*cobra.Command, []string) error {
		if err := vacant(out, overwrite); err != nil {
			return err
		}
		if err := codec.WriteFile(out, func(w io.Writer) error { _, err := io.WriteString(w, study.Example()); return err }); err != nil {
			return err
		}
		s.say("wrote %s; edit it, then: bayeslice study run %s -o FOLDER", out, shellWord(out))
		return nil
	}}
	c.Flags().StringVarP(&out, "out", "o", "study.toml", "file to write")
	c.Flags().BoolVar(&overwrite, "overwrite", false, "replace an existing file")
	return c
}

// openStudy opens the study of a file in a folder, or, where what is the folder of a study, that.
func openStudy(what, out string) (*study.Study, error) {
	if info, err := os.Stat(what); err == nil && info.IsDir() {
		if full, err := filepath.Abs(what); out != "" && err == nil && full != absolute(out) {
			return nil, usageError("%s is the folder of a study; leave out -o to go on with it, or give a study file", what)
		}
		return study.Open(what)
	}
	f, err := study.Read(what)
	if err != nil {
		return nil, err
	}
	if out == "" {
		return nil, usageError("a study file needs -o FOLDER for what becomes of it")
	}
	return study.Create(out, f)
}

func absolute(path string) string {
	full, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	return full
}

func (s *session) studyRunCommand() *cobra.Command {
	var out string
	var workers int
	c := &cobra.Command{
		Use:   "run FILE|FOLDER -o FOLDER",
		Short: "Do whatever is missing of a study, and write its report",
		Long: "FILE is a study file, or the FOLDER of a study that was begun. Elements that failed are tried again. Ctrl-C keeps\ncheckpoints and stops. Started a second time at once, in another terminal or on another machine that shares the\n" +
			"folder, it helps with the rest.",
		Args: oneArg("a study FILE, or the FOLDER of a study"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if workers < 1 || workers > maxThreads {
				return usageError("--workers is %d; it is a number from 1 to %d", workers, maxThreads)
			}
			st, err := openStudy(args[0], out)
			if err != nil {
				return err
			}
			return s.studyRun(cmd.Context(), st, workers)
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "", "folder of the study, new or begun with the same file")
	c.Flags().IntVar(&workers, "workers", max(1, runtime.NumCPU()-1), "elements at a time; each takes the threads that the file says")
	return c
}

// studyRun does what is missing of a study.
func (s *session) studyRun(ctx context.Context, st *study.Study, workers int) error {
	o, err := s.studyOptions(ctx)
	if err != nil {
		return err
	}
	w, err := newStudyWatch(ctx, s, st, workers)
	if err != nil {
		return err
	}
	defer w.close()
	o.On = w.event
	w.begin()
	err = st.Run(ctx, workers, o)
	w.close()
	if ctx.Err() != nil && onlyCancelled(err) {
		s.say("stopped; what was under way has a checkpoint. Go on with: bayeslice study run %s", shellWord(st.Dir()))
		return errInterrupted
	}
	if err != nil && !errors.Is(err, study.ErrIncomplete) {
		return err
	}
	if failed := s.studyReport(ctx, st); failed != nil && !errors.Is(failed, study.ErrNothing) {
		return errors.Join(err, failed)
	}
	return err
}

// studyOptions is what elements need of this program.
func (s *session) studyOptions(ctx context.Context) (study.Options, error) {
	o, err := s.ortOptions()
	if err != nil {
		return study.Options{}, err
	}
	d, err := s.openDevice(ctx, o)
	if err != nil {
		return study.Options{}, err
	}
	return study.Options{
		Open: func(ctx context.Context, threads int, measuring func(string, int, int)) (study.Openers, error) {
			u := devices.Use{Session: ort.SessionOptions{Threads: threads}, Progress: func(p devices.Progress) { measuring(p.Trying.String(), p.Done, p.Of) }}
			if threads == 0 {
				u.Session.Threads = ort.DefaultThreads()
			}
			return study.Openers{Train: models.Each(ctx, d.on, u), Sample: models.On(ctx, d.on, u)}, nil
		},
		Program: s.program(), Runtime: "ONNX Runtime " + d.on.Env().Version(), Device: o.Provider, Use: disclaimer, Clock: time.Now, Explain: listSentence,
	}, nil
}

func (s *session) studyPlanCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "plan FILE -o FOLDER",
		Short: "Make the folder of a study and list its elements, without training any",
		Args:  oneArg("a study FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			st, err := openStudy(args[0], out)
			if err != nil {
				return err
			}
			for _, e := range st.Elements() {
				s.say("%4d  %s", e.Index, e.Name())
			}
			return nil
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "", "folder of the study, new or begun with the same file")
	return c
}

func (s *session) studyElementCommand() *cobra.Command {
	index := -1
	c := &cobra.Command{
		Use:   "element FOLDER --index N",
		Short: "Do one element of a study, as the element of an array job does",
		Args:  oneArg("the FOLDER of a study"),
		RunE: func(cmd *cobra.Command, args []string) error {
			st, err := study.Open(args[0])
			if err != nil {
				return err
			}
			e, err := st.Element(index)
			if err != nil {
				return err
			}
			return s.studyElement(cmd.Context(), st, e)
		},
	}
	c.Flags().IntVar(&index, "index", -1, "number of the element, counted from 0; `study plan` lists them (required)")
	return c
}

// studyElement does one element.
func (s *session) studyElement(ctx context.Context, st *study.Study, e study.Element) error {
	o, err := s.studyOptions(ctx)
	if err != nil {
		return err
	}
	w, err := newStudyWatch(ctx, s, st, 1)
	if err != nil {
		return err
	}
	defer w.close()
	o.On = w.event
	err = st.RunElement(ctx, e, o)
	w.close()
	switch {
	case ctx.Err() != nil && onlyCancelled(err):
		s.say("stopped; %s goes on from its checkpoint when it is started again", e.Name())
		return errInterrupted
	case err != nil:
		return onceEach(err)
	}
	s.say("%s is done", e.Name())
	return nil
}

func (s *session) studyStatusCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status FOLDER",
		Short: "Say what of a study is done, under way, failed and left",
		Args:  oneArg("the FOLDER of a study"),
		RunE: func(cmd *cobra.Command, args []string) error {
			st, err := study.Open(args[0])
			if err != nil {
				return err
			}
			now, err := st.Status(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return s.studyStatusJSON(now)
			}
			if err := s.printStudyStatus(st, now); err != nil {
				return err
			}
			return s.saySubmission(cmd.Context(), st)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON, every element")
	return c
}

// studyStatusJSON prints the state of every element for programs.
func (s *session) studyStatusJSON(now study.Status) error {
	type element struct {
		Index   int         `json:"index"`
		Name    string      `json:"name"`
		State   study.State `json:"state"`
		Step    int         `json:"step"`
		Steps   int         `json:"steps"`
		Failure string      `json:"failure,omitempty"`
	}
	out := struct {
		Done, Running, Failed, Left int
		RemainingSeconds            float64   `json:"remainingSeconds"`
		Elements                    []element `json:"elements"`
	}{now.Counts[study.Done], now.Counts[study.Running], now.Counts[study.Failed], now.Counts[study.Left], now.Remaining, nil}
	for _, e := range now.Elements {
		out.Elements = append(out.Elements, element{e.Index, e.Name(), e.State, e.Step, e.Steps, e.Failure})
	}
	enc := json.NewEncoder(s.Out)
	enc.SetIndent("", " ")
	return enc.Encode(out)
}

// printStudyStatus prints a line for each configuration, what is under way, and what failed.
func (s *session) printStudyStatus(st *study.Study, now study.Status) error {
	f := st.File()
	s.say("%s: %d of %d elements done, %d running, %d failed, %d left", f.Name, now.Counts[study.Done], len(now.Elements), now.Counts[study.Running], now.Counts[study.Failed], now.Counts[study.Left])
	table := tabwriter.NewWriter(s.Out, 2, 4, 2, ' ', 0)
	fmt.Fprintf(table, "\tdone\trunning\tfailed\tleft\ttraining\tevaluation\n")
	for _, task := range f.Tasks {
		for _, kind := range f.Losses {
			counts, seconds, judged := map[study.State]int{}, 0.0, 0.0
			for _, e := range now.Elements {
				if e.Task == task && e.Loss == kind {
					counts[e.State]++
					if e.State == study.Done {
						seconds, judged = seconds+e.Record.Train, judged+e.Record.Evaluate
					}
				}
			}
			line := fmt.Sprintf("%s %s\t%d\t%d\t%d\t%d", task, kind, counts[study.Done], counts[study.Running], counts[study.Failed], counts[study.Left])
			if n := counts[study.Done]; n > 0 {
				line += fmt.Sprintf("\t%s\t%s", durationText(seconds2(seconds/float64(n))), durationText(seconds2(judged/float64(n))))
			}
			fmt.Fprintln(table, line)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, e := range now.Elements {
		switch e.State {
		case study.Running:
			s.say("running  %d %s: step %d of %d", e.Index, e.Name(), e.Step, e.Steps)
		case study.Failed:
			s.say("failed   %d %s: %s", e.Index, e.Name(), e.Failure)
		case study.Done, study.Left:
		}
	}
	if now.Remaining > 0 {
		s.say("about %s of work left, one element at a time at the pace so far", durationText(seconds2(now.Remaining)))
	}
	return nil
}

// seconds2 is a duration of so many seconds.
func seconds2(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func (s *session) studyReportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "report FOLDER",
		Short: "Join what is done of a study and write its report",
		Long:  "FOLDER/report gets report.html, table.csv and results.json. Of a study that is not complete it says what is missing.",
		Args:  oneArg("the FOLDER of a study"),
		RunE: func(cmd *cobra.Command, args []string) error {
			st, err := study.Open(args[0])
			if err != nil {
				return err
			}
			return s.studyReport(cmd.Context(), st)
		},
	}
}

// studyReport writes the report of what is done.
func (s *session) studyReport(ctx context.Context, st *study.Study) error {
	r, err := st.WriteReport(ctx, study.Options{Program: s.program(), Use: disclaimer, Clock: time.Now})
	if err != nil {
		return err
	}
	for _, line := range r.Summary() {
		s.say("  %s", line)
	}
	s.say("%d of %d elements are in the report", r.Done, r.Elements)
	s.say("wrote %s", filepath.Join(st.Report(), study.ReportPage))
	s.say("%s", disclaimer)
	return nil
}

// studyWatch tells how a study comes on: a line for each element that ends, and on a terminal a live one.
type studyWatch struct {
	s         *session
	study     *study.Study
	ctx       context.Context //nolint:containedctx // it lives as long as the command
	workers   int
	live      liveLine
	terminal  bool
	done, all int
	began     map[string]time.Time
	now       map[string]string // what is under way, by element
	told      map[string]bool   // notes
}

func newStudyWatch(ctx context.Context, s *session, st *study.Study, workers int) (*studyWatch, error) {
	now, err := st.Status(ctx)
	if err != nil {
		return nil, err
	}
	return &studyWatch{s: s, study: st, ctx: ctx, workers: workers, live: liveLine{out: s.Err}, terminal: isTerminal(s.Err), done: now.Counts[study.Done], all: len(now.Elements),
		began: map[string]time.Time{}, now: map[string]string{}, told: map[string]bool{}}, nil
}

// begin says what the study is.
func (w *studyWatch) begin() {
	f := w.study.File()
	var losses []string
	for _, l := range f.Losses {
		losses = append(losses, string(l))
	}
	w.s.say("study       %s: %s × %s × %s × %s = %s, of which %d done", f.Name, plural(len(f.Tasks), "task"), strings.Join(losses, ", "), plural(f.Runs, "run"), plural(f.Folds, "fold"), plural(w.all, "element"), w.done)
	w.s.say("folder      %s; %s at a time", w.study.Dir(), plural(w.workers, "element"))
}

// event takes in what an element tells; one call at a time.
func (w *studyWatch) event(e study.Event) {
	name := e.Element.Name()
	if _, known := w.began[name]; !known {
		w.began[name] = time.Now()
	}
	switch e.Phase {
	case study.Measuring:
		w.now[name] = fmt.Sprintf("measuring %s, device %d/%d", strings.Join(e.Notes, " "), e.Done+1, e.Total)
	case study.Preparing:
		w.notes(e.Notes)
		w.now[name] = fmt.Sprintf("data %d/%d", e.Done, e.Total)
	case study.Stepping:
		w.now[name] = fmt.Sprintf("step %d/%d", e.Done, e.Total)
	case study.Evaluating:
		w.now[name] = fmt.Sprintf("sample %d/%d", e.Done, e.Total)
	case study.Warning:
		for _, n := range e.Notes {
			w.line("warning     %s: %s", name, packagePrefix.ReplaceAllString(n, "$1"))
		}
	case study.Finished:
		w.done++
		w.line("%3d of %d   %s in %s%s", w.done, w.all, name, durationText(time.Since(w.began[name])), w.left())
		delete(w.now, name)
	case study.Broken:
		w.line("failed      %s: %s", name, listSentence(onceEach(e.Err)))
		delete(w.now, name)
	case study.Stopped:
		if !onlyCancelled(e.Err) {
			w.line("not kept    %s: %s", name, listSentence(onceEach(e.Err)))
		}
		delete(w.now, name)
	case study.Elsewhere:
		w.line("elsewhere   %s is under way in another process", name)
		delete(w.now, name)
	}
	if w.terminal {
		w.live.set(w.short())
	}
}

// notes prints what is worth knowing about the data, each note once.
func (w *studyWatch) notes(list []string) {
	var fresh []string
	for _, n := range list {
		if !w.told[n] {
			w.told[n] = true
			fresh = append(fresh, n)
		}
	}
	if len(fresh) > 0 {
		w.live.clear()
		w.s.notes(fresh)
	}
}

// left estimates the time to the end.
func (w *studyWatch) left() string {
	now, err := w.study.Status(w.ctx)
	if err != nil || now.Remaining == 0 {
		return ""
	}
	return fmt.Sprintf(", about %s left", durationText(seconds2(now.Remaining/float64(w.workers))))
}

// short is the live line.
func (w *studyWatch) short() string {
	text := fmt.Sprintf("%d/%d", w.done, w.all)
	for _, e := range w.study.Elements() {
		if what, ok := w.now[e.Name()]; ok {
			text += "  " + e.Name() + " " + what
		}
	}
	return text
}

func (w *studyWatch) line(format string, args ...any) {
	w.live.clear()
	w.s.say(format, args...)
}

func (w *studyWatch) close() { w.live.clear() }
