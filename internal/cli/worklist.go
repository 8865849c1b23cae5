package cli

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/review"
	"bayeslice/internal/settings"
	"bayeslice/internal/worklist"
	"bayeslice/internal/worklist/predict"
)

// listJob are the flags of the worklist commands.
type listJob struct {
	folder, file string

	model   string
	samples int
	seed    uint64
	again   bool

	private, asJSON, open bool
	note                  string
}

func (s *session) worklistCommand() *cobra.Command {
	c := group("worklist", "Rank the exams of a folder and keep track of the work on them",
		s.worklistOpen(), s.worklistRefresh(), s.worklistRank(), s.worklistShow(), s.worklistNext(), s.worklistMark())
	c.Long = "FOLDER holds one exam in each sub-folder or ZIP file. The list is the file " + worklist.FileName + " in it, or the\none named with --list: states, notes and figures under the names of the folders, and no other\nidentity. The window works on the same file.\n\n" + disclaimer
	return c
}

// listCommand makes a command on a folder with the flag --list.
func listCommand(j *listJob, c *cobra.Command) *cobra.Command {
	if c.Args == nil {
		c.Args = oneArg("a FOLDER of exams")
	}
	c.Flags().StringVar(&j.file, "list", "", "file of the list (default: "+worklist.FileName+" in FOLDER)")
	return c
}

// openList opens the list of a job.
func (j *listJob) openList(folder string) (*worklist.Store, error) {
	j.folder = folder
	return worklist.Open(folder, worklist.Options{File: j.file, Clock: time.Now})
}

func (s *session) worklistOpen() *cobra.Command {
	var j listJob
	var r WindowRequest
	c := listCommand(&j, &cobra.Command{
		Use: "open FOLDER", Short: "Open the window on the list",
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := j.openList(args[0]); err != nil { // said here rather than in a window
				return err
			}
			r.Exams, r.List = args[0], j.file
			return s.openWindow(cmd.Context(), r)
		}})
	c.Flags().BoolVar(&r.Unattended, "unattended", false, "ask nothing at the start, for programs that drive the window")
	return c
}

func (s *session) worklistRefresh() *cobra.Command {
	var j listJob
	return listCommand(&j, &cobra.Command{
		Use: "refresh FOLDER", Aliases: []string{"make"}, Short: "Make the list, or bring it in line with the exams that are there",
		RunE: func(_ *cobra.Command, args []string) error {
			list, err := j.openList(args[0])
			if err != nil {
				return err
			}
			if _, _, err := list.Refresh(); err != nil {
				return err
			}
			p := list.List().Progress()
			s.say("%d exams, %d completed, %d flagged; the list is %s", p.Total, p.Done, p.Flagged, list.File())
			return nil
		}})
}

func (s *session) worklistRank() *cobra.Command {
	var j listJob
	c := listCommand(&j, &cobra.Command{
		Use: "rank FOLDER", Short: "Sample a model on every exam and rank them by the expected error",
		Long: "Exams whose files, model, samples and seed are what they were are not sampled again. Each result is written at\nonce: Ctrl-C stops, and the next call goes on. An exam that cannot be opened is listed with what is wrong with it.\n\n" +
			"The expected error is the volume of the voxels that are probably labelled wrongly, as far as the probabilities\nof the model are calibrated.\n\n" + disclaimer,
		Example: "  bayeslice worklist rank exams/\n  bayeslice worklist rank exams/ --model diagnosis-fl --samples 50",
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := j.openList(args[0])
			if err != nil {
				return err
			}
			return s.rankList(cmd.Context(), &j, list)
		}})
	f := c.Flags()
	f.StringVarP(&j.model, "model", "m", "", "bundled model or model file (default: the bundled anatomy model)")
	f.IntVar(&j.samples, "samples", predict.DefaultSamples, "number of Monte-Carlo samples of each exam")
	f.Uint64Var(&j.seed, "seed", 1, "seed of the noise; the same seed gives the same result")
	f.BoolVar(&j.again, "again", false, "sample exams anew whose result is known")
	return c
}

func (s *session) worklistShow() *cobra.Command {
	var j listJob
	c := listCommand(&j, &cobra.Command{
		Use: "show FOLDER", Short: "Print the list, the exam that most needs a person first",
		RunE: func(_ *cobra.Command, args []string) error {
			list, err := j.openList(args[0])
			if err != nil {
				return err
			}
			if j.asJSON {
				return s.printJSON(j.view(list.List()))
			}
			return s.printList(&j, list.List())
		}})
	f := c.Flags()
	f.BoolVar(&j.private, "private", false, "show no names of folders and no notes")
	f.BoolVar(&j.open, "open", false, "only exams that are neither completed nor flagged")
	f.BoolVar(&j.asJSON, "json", false, "print JSON")
	return c
}

func (s *session) worklistNext() *cobra.Command {
	var j listJob
	return listCommand(&j, &cobra.Command{
		Use: "next FOLDER", Short: "Print the path of the exam to work on next",
		RunE: func(_ *cobra.Command, args []string) error {
			list, err := j.openList(args[0])
			if err != nil {
				return err
			}
			e, ok := list.List().Next("")
			if !ok {
				fmt.Fprintln(s.Err, "note: no exam of this list is left to do")
				return nil
			}
			s.say("%s", list.Place(e))
			if e.Study != "" {
				fmt.Fprintf(s.Err, "note: it holds several exams; add --study %s\n", e.Study[:8])
			}
			return nil
		}})
}

func (s *session) worklistMark() *cobra.Command {
	var j listJob
	return withNote(&j, listCommand(&j, &cobra.Command{
		Use: "mark FOLDER EXAM STATE", Short: "Say how far the work on an exam is",
		Long:    "EXAM is its name in the list. STATE is not-started, in-progress, completed or flagged.",
		Example: "  bayeslice worklist mark exams/ case7 flagged --note \"motion\"",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 3 {
				return usageError("mark needs a FOLDER, an EXAM and a STATE, and got %d words; put names with blanks in quotes", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			state, err := worklist.ParseState(args[2])
			if err != nil {
				return err
			}
			list, err := j.openList(args[0])
			if err != nil {
				return err
			}
			if err := list.SetState(args[1], state); err != nil {
				return err
			}
			if cmd.Flags().Changed("note") {
				return list.SetNote(args[1], j.note)
			}
			return nil
		}}))
}

func withNote(j *listJob, c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&j.note, "note", "", "a note on the exam; \"\" removes it")
	return c
}

// rankList samples the exams of a list.
func (s *session) rankList(ctx context.Context, j *listJob, list *worklist.Store) (err error) {
	if j.samples < 1 {
		return usageError("--samples is %d, at least one sample is needed", j.samples)
	}
	name := j.model
	if name == "" {
		b, ok := s.bundled().Best(modelcard.Anatomy)
		if !ok {
			return usageError("rank needs --model FILE, since this build comes without models; `bayeslice model init` makes an untrained one")
		}
		name = b.Name
	}
	model, err := s.loadModel(ctx, name)
	if err != nil {
		return err
	}
	defer func() {
		if e := model.Close(); err == nil {
			err = e
		}
	}()
	if n := model.Card().Notice(); n != "" {
		fmt.Fprintf(s.Err, "note: %s\n", n)
	}
	_, choices, err := stored()
	if err != nil {
		return err
	}
	if err := s.sampleList(ctx, j, list, model, choices); err != nil {
		return err
	}
	return s.printList(j, list.List())
}

// sampleList samples the exams of a list with a meter.
func (s *session) sampleList(ctx context.Context, j *listJob, list *worklist.Store, model *inference.Model, choices *exam.Overrides) error {
	if _, _, err := list.Refresh(); err != nil {
		return err
	}
	bar := newMeter(s.Err, "exams")
	defer bar.close()
	return list.Sample(ctx, worklist.Sampling{
		Predictor: &predict.Sampler{Model: model, Samples: j.samples, Seed: j.seed},
		Open: func(ctx context.Context, place, study string) (*exam.Exam, error) {
			return exam.Open(ctx, place, exam.Options{Study: study, Overrides: choices})
		},
		Choices: choicesDigest(), Again: j.again, Explain: listSentence,
		Progress: func(p worklist.SampleProgress) {
			bar.set(p.Done, p.Total, fmt.Sprintf("%d known, %d failed", p.Known, p.Failed))
		},
	})
}

// choicesDigest stands for the stored choices of series, "" where there are none.
func choicesDigest() string {
	store, err := settings.Open("")
	if err != nil {
		return "" // said by whoever needs the settings themselves
	}
	return worklist.DigestFile(store.SeriesChoices())
}

// listSentence is what is kept in the list of an exam that could not be opened or sampled.
func listSentence(err error) string {
	if next := nextStep(err); next != fromText {
		return sentence(err) + " " + next
	}
	return sentence(err)
}

// listRow is one exam of a printed list.
type listRow struct {
	Exam       string                  `json:"exam"`
	State      worklist.State          `json:"state"`
	ErrorML    *float64                `json:"expectedErrorML,omitempty"`
	EntropyML  *float64                `json:"entropyNatsML,omitempty"`
	Why        string                  `json:"why,omitempty"`
	Problem    string                  `json:"problem,omitempty"`
	Note       string                  `json:"note,omitempty"`
	Missing    bool                    `json:"missing,omitempty"`
	Structures []review.StructureError `json:"structures,omitempty"`
	Spots      []review.Spot           `json:"spots,omitempty"`
}

// view returns the rows of a list in rank order.
func (j *listJob) view(l *worklist.List) []listRow {
	rows := []listRow{}
	for _, e := range l.Ranked() {
		if j.open && !e.State.Open() {
			continue
		}
		row := listRow{Exam: e.ID(), State: e.State, Why: e.Score.Why(), Problem: e.Problem, Note: e.Note, Missing: e.Missing}
		if j.private {
			row.Exam, row.Note = e.Alias(), ""
		}
		if e.Score != nil {
			row.ErrorML, row.EntropyML = &e.Score.ErrorML, &e.Score.EntropyML
			row.Structures, row.Spots = e.Score.Structures, e.Score.Spots
		}
		rows = append(rows, row)
	}
	return rows
}

// printList prints a list for people.
func (s *session) printList(j *listJob, l *worklist.List) error {
	table := tabwriter.NewWriter(s.Out, 2, 4, 2, ' ', 0)
	fmt.Fprintln(table, "exam\tstate\texpected error\twhy")
	for _, r := range j.view(l) {
		ml := "–"
		if r.ErrorML != nil {
			ml = review.ML(*r.ErrorML)
		}
		why := r.Why
		switch {
		case r.Missing:
			why = "not in the folder any more"
		case r.Problem != "":
			why = r.Problem
		}
		if r.Note != "" {
			why = strings.TrimPrefix(why+" ["+r.Note+"]", " ")
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", oneLine(r.Exam), r.State, ml, oneLine(why))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	p := l.Progress()
	s.say("%d of %d completed, %d flagged", p.Done, p.Total, p.Flagged)
	return nil
}
