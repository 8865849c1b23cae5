package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"bayeslice/internal/about"
	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/ort"
)

func (s *session) versionCommand() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version, and what it was built from", Args: noArgs, RunE: func(*cobra.Command, []string) error {
		b := about.ThisBuild()
		s.say("bayeslice %s (%s, %s)", s.Version, b.Go, b.Platform)
		if b.Revision != "" {
			changed := ""
			if b.Changed {
				changed = ", with changes"
			}
			s.say("revision %s of %s%s", b.Revision, b.Time.Format("2006-01-02"), changed)
		}
		o, err := s.ortOptions()
		if err != nil {
			return err
		}
		if env, err := ort.Open(o); err != nil {
			s.say("ONNX Runtime cannot be used; `bayeslice doctor` says why")
		} else {
			s.say("ONNX Runtime %s (%s)", env.Version(), env.Library().Path)
		}
		s.say("%s", disclaimer)
		return nil
	}}
}

func (s *session) licencesCommand() *cobra.Command {
	var folder string
	c := &cobra.Command{
		Use: "licences [NAME]", Aliases: []string{"licenses"}, Short: "List the licences of everything in the program, or print one",
		Long: "Lists every part of the program with its licence. NAME prints the text of one: the name of a part, or the end of it,\n" +
			"such as \"fyne/v2\". -o writes all of them into a folder, with an index.",
		Args: atMostOneArg("a NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := about.Licences()
			switch {
			case err != nil:
				return err
			case folder != "":
				return s.writeLicences(folder, all)
			case len(args) == 1:
				return s.printLicence(args[0], all)
			}
			for _, l := range all {
				s.say("%-50s %-20s %s", l.Name, l.Kind, l.Version)
			}
			return nil
		},
	}
	c.Flags().StringVarP(&folder, "out", "o", "", "folder to write all texts to, with an index")
	return c
}

// printLicence prints the texts of the parts that a name means.
func (s *session) printLicence(name string, all []about.Licence) error {
	wanted := strings.ToLower(name)
	meant := func(l about.Licence) bool { return strings.ToLower(l.Name) == wanted }
	if !slices.ContainsFunc(all, meant) {
		meant = func(l about.Licence) bool { return strings.HasSuffix(strings.ToLower(l.Name), wanted) }
	}
	if !slices.ContainsFunc(all, meant) {
		return usageError("nothing in the program is called %q; `bayeslice licences` lists the names", name)
	}
	for _, l := range all {
		if !meant(l) {
			continue
		}
		text, err := l.Text()
		if err != nil {
			return err
		}
		s.say("%s\n", licenceTitle(l))
		fmt.Fprint(s.Out, text)
	}
	return nil
}

// licenceTitle names a part, its version and its licence on a line, and what is to be known on the next.
func licenceTitle(l about.Licence) string {
	title := strings.TrimSpace(l.Name+" "+l.Version) + ": " + l.Kind
	if l.Note != "" {
		title += "\n" + l.Note
	}
	return title
}

// writeLicences writes every text into folder/LICENSES, and folder/THIRD-PARTY-NOTICES.md, which lists them.
func (s *session) writeLicences(folder string, all []about.Licence) error {
	dir := filepath.Join(folder, "LICENSES")
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a package's folder, to be read by everyone
		return err
	}
	var index strings.Builder
	fmt.Fprintf(&index, "# Third-party notices\n\nEverything that is part of Bayeslice %s, with its licence; the texts lie in `LICENSES`.\n\n| part | version | licence | text |\n|---|---|---|---|\n", s.Version)
	for _, l := range all {
		text, err := l.Text()
		if err != nil {
			return err
		}
		if err := writeText(filepath.Join(dir, l.File), text); err != nil {
			return err
		}
		name := l.Name
		if l.Note != "" {
			name += ". " + strings.TrimSuffix(l.Note, ".")
		}
		fmt.Fprintf(&index, "| %s | %s | %s | [%s](LICENSES/%s) |\n", name, l.Version, l.Kind, l.File, l.File)
	}
	return writeText(filepath.Join(folder, "THIRD-PARTY-NOTICES.md"), index.String())
}

func writeText(path, text string) error {
	return codec.WriteFile(path, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}
