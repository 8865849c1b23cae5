package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
)

func (s *session) examCommand() *cobra.Command {
	var study string
	var asJSON bool
	var roles []string
	show := &cobra.Command{
		Use:   "show EXAM",
		Short: "List the series, the role of each and why, and what is wrong",
		Long:  "Prints no patient name, ID or date. Descriptions are the scanner's own words, or a file's name.",
		Args:  oneArg("an EXAM: a folder, ZIP or image file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := s.openExam(cmd.Context(), args[0], study, roles)
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(newExamView(e))
			}
			return s.printExam(newExamView(e))
		},
	}
	show.Flags().StringVar(&study, "study", "", "which exam, where the place holds several")
	show.Flags().StringArrayVar(&roles, "role", nil, "put a series into a role, as T2W=ID, HBV=ID or ADC=ID")
	show.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return group("exam", "Inspect exams", show)
}

// examView is what exam show prints.
type examView struct {
	Key       string       `json:"key"`
	Name      string       `json:"name"`
	Synthetic bool         `json:"synthetic"`
	Series    []seriesView `json:"series"`
	Roles     []roleView   `json:"roles"`
	Issues    []exam.Issue `json:"issues"`
}

type seriesView struct {
	ID          string    `json:"id"`
	Number      int       `json:"number"`
	Description string    `json:"description"`
	Images      int       `json:"images"`
	BValue      *float64  `json:"bValue,omitempty"` // s/mm²
	Calculated  bool      `json:"calculated,omitempty"`
	Problem     string    `json:"problem,omitempty"` // why the images form no volume; the fields below are 0 then
	Size        [3]int    `json:"size"`
	SpacingMM   geom.Vec3 `json:"spacingMM"`
	TiltDegrees float64   `json:"tiltDegrees"`
	Unit        string    `json:"unit,omitempty"`
}

type roleView struct {
	Role         string          `json:"role"`
	Series       string          `json:"series,omitempty"` // "" where there is none
	Score        float64         `json:"score"`
	Reason       string          `json:"reason"`
	ChosenByUser bool            `json:"chosenByUser,omitempty"`
	Alternatives []candidateView `json:"alternatives"`
}

type candidateView struct {
	Series string  `json:"series"`
	Score  float64 `json:"score"`
	Reason string  `json:"reason"`
}

func newExamView(e *exam.Exam) examView {
	v := examView{Key: e.Key, Name: e.Name, Synthetic: e.Synthetic, Series: []seriesView{}, Roles: []roleView{}, Issues: append([]exam.Issue{}, e.Issues...)}
	for _, x := range e.Series {
		row := seriesView{ID: x.ID, Number: x.Number, Description: x.Description, Images: x.Images, Calculated: x.Calculated, Problem: x.Problem}
		if x.HasB {
			b := x.B
			row.BValue = &b
		}
		if x.Volume == nil && row.Problem == "" {
			row.Problem = "The images form no volume."
		}
		if x.Volume != nil {
			g := x.Volume.Grid()
			row.Size, row.SpacingMM, row.TiltDegrees, row.Unit = g.Size, g.Spacing, g.TiltDegrees(), x.Volume.Unit()
		}
		v.Series = append(v.Series, row)
	}
	for _, role := range exam.ReadingRoles {
		row := roleView{Role: role.String(), Alternatives: []candidateView{}}
		if c, ok := e.Roles[role]; ok && c.Series != nil {
			row.Series, row.Score, row.Reason, row.ChosenByUser = c.Series.ID, c.Score, c.Reason, c.Overridden
			for _, a := range c.Alternatives {
				row.Alternatives = append(row.Alternatives, candidateView{a.Series.ID, a.Score, a.Reason})
			}
		}
		v.Roles = append(v.Roles, row)
	}
	return v
}

// printExam prints the exam for people.
func (s *session) printExam(v examView) error {
	title := v.Name
	if v.Synthetic {
		title += " (SYNTHETIC)"
	}
	s.say("%s, %d series", title, len(v.Series))
	table := tabwriter.NewWriter(s.Out, 2, 4, 2, ' ', 0)
	fmt.Fprintln(table, "\nID\tdescription\tb\timages\tgrid\tmm\ttilt")
	for _, x := range v.Series {
		b := "–"
		if x.BValue != nil {
			b = fmt.Sprintf("%g", *x.BValue)
			if x.Calculated {
				b += " calc"
			}
		}
		head := fmt.Sprintf("%s\t%s\t%s\t%d", x.ID, oneLine(x.Description), b, x.Images)
		if x.Problem != "" {
			fmt.Fprintf(table, "%s\tunusable\t–\t–\n", head)
			continue
		}
		fmt.Fprintf(table, "%s\t%d×%d×%d\t%.3g×%.3g×%.3g\t%.1f°\n", head,
			x.Size[0], x.Size[1], x.Size[2], x.SpacingMM[0], x.SpacingMM[1], x.SpacingMM[2], x.TiltDegrees)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, x := range v.Series {
		if x.Problem != "" {
			s.say("%s cannot be used: %s", x.ID, oneLine(x.Problem))
		}
	}
	s.say("")
	for _, r := range v.Roles {
		if r.Series == "" {
			s.say("%s: none", r.Role)
			continue
		}
		by := fmt.Sprintf("score %.2f", r.Score)
		if r.ChosenByUser {
			by = "chosen by you"
		}
		s.say("%s: %s (%s). %s", r.Role, r.Series, by, r.Reason)
		for _, a := range r.Alternatives {
			s.say("    or %s (score %.2f). %s", a.Series, a.Score, a.Reason)
		}
	}
	if len(v.Issues) > 0 {
		s.say("")
	}
	for _, i := range v.Issues {
		where := ""
		if i.Series != "" {
			where = " [" + i.Series + "]"
		}
		s.say("%s%s: %s", i.Severity, where, i.Text)
	}
	return nil
}

// oneLine keeps control characters of a header out of the terminal.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}
