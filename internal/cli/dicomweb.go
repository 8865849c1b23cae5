package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"bayeslice/internal/dicomweb"
	"bayeslice/internal/imageio/codec"
)

// passwordVariable names the environment variable that holds the password of --user: a command line can be read by others.
const passwordVariable = "BAYESLICE_DICOMWEB_PASSWORD"

// maxCredential bounds files of tokens and certificates, in bytes.
const maxCredential = 1 << 20

// errNamed: objects that name a patient were to be sent.
var errNamed = errors.New("cli: objects name a patient")

// webJob are the flags of the dicomweb commands.
type webJob struct {
	url, user, tokenFile, authority string
	insecure, identity              bool
	query                           dicomweb.Query
	out                             string
}

func (s *session) dicomwebCommand() *cobra.Command {
	c := group("dicomweb", "Send to, look on and fetch from a DICOMweb server, such as Orthanc", s.webSend(), s.webFind(), s.webOpen())
	c.Long = "The only commands that reach the network, and only the server that --url names. Its address ends in /dicom-web on many\nservers. The password of --user is read from " + passwordVariable + ".\n\n" + disclaimer
	return c
}

// webCommand makes a command with the flags that all share.
func (j *webJob) webCommand(c *cobra.Command) *cobra.Command {
	f := c.Flags()
	f.StringVar(&j.url, "url", "", "address of the server's DICOMweb services, as https://pacs.example/dicom-web (required)")
	f.StringVar(&j.user, "user", "", "user; the password is read from "+passwordVariable)
	f.StringVar(&j.tokenFile, "token-file", "", "file that holds a bearer token, instead of --user")
	f.StringVar(&j.authority, "ca", "", "PEM file of an authority that is trusted beside the system's")
	f.BoolVar(&j.insecure, "insecure", false, "use a connection that is not encrypted, which others on the network can read")
	return c
}

// client connects nothing yet: it checks what was given.
func (j *webJob) client() (*dicomweb.Client, error) {
	server := dicomweb.Server{URL: j.url, User: j.user}
	switch {
	case j.url == "":
		return nil, usageError("--url is needed: the address of the server's DICOMweb services")
	case j.user != "" && j.tokenFile != "":
		return nil, usageError("--user and --token-file exclude each other")
	case j.user != "":
		server.Password = os.Getenv(passwordVariable)
	case j.tokenFile != "":
		token, err := codec.ReadSmall(j.tokenFile, maxCredential)
		if err != nil {
			return nil, err
		}
		server.Token = strings.TrimSpace(string(token))
	}
	if j.authority != "" {
		var err error
		if server.Authorities, err = codec.ReadSmall(j.authority, maxCredential); err != nil {
			return nil, err
		}
	}
	c, err := dicomweb.New(server)
	if err != nil {
		return nil, err
	}
	if !c.Encrypted() && !j.insecure {
		return nil, usageError("the connection to %s is not encrypted; use an address that begins with https://, or add --insecure where the network is trusted", c.Host())
	}
	return c, nil
}

func (s *session) webSend() *cobra.Command {
	var j webJob
	c := j.webCommand(&cobra.Command{
		Use: "send --url URL PATH...", Short: "Send DICOM objects to a server",
		Long:    "PATH is a DICOM file, or a folder of which all files that end in .dcm are sent. Objects that name a patient are refused\nwithout --identity; those that `bayeslice infer --format` writes name none.",
		Example: "  bayeslice dicomweb send --url https://pacs.example/dicom-web --user reader result/",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("send needs PATHs: DICOM files, or folders of them")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return s.send(cmd.Context(), j, args) },
	})
	c.Flags().BoolVar(&j.identity, "identity", false, "send objects that name a patient too")
	return c
}

// send checks all objects and then sends them.
func (s *session) send(ctx context.Context, j webJob, paths []string) error {
	client, err := j.client()
	if err != nil {
		return err
	}
	defer client.Close()
	files, err := objectFiles(paths)
	if err != nil {
		return err
	}
	objects, err := dicomweb.Look(ctx, files)
	if err != nil {
		return err
	}
	named := 0
	for _, o := range objects {
		if o.Named {
			named++
		}
	}
	if named > 0 && !j.identity {
		return fmt.Errorf("%w: %d of %d; nothing was sent. Send objects without identity, or add --identity where the server may know the patient", errNamed, named, len(objects))
	}
	bar := newMeter(s.Err, "sending")
	err = client.Send(ctx, objects, func(done, of int) { bar.set(done, of, "") })
	bar.close()
	if err != nil {
		return err
	}
	s.say("sent %d objects to %s", len(objects), client.Host())
	return nil
}

// objectFiles lists files and the .dcm files of folders.
func objectFiles(paths []string) ([]string, error) {
	var out []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			out = append(out, path)
			continue
		}
		before := len(out)
		err = filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && strings.EqualFold(filepath.Ext(file), ".dcm") {
				out = append(out, file)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(out) == before {
			return nil, usageError("%s holds no file that ends in .dcm; name the DICOM files themselves", path)
		}
	}
	return out, nil
}

func (s *session) webFind() *cobra.Command {
	var j webJob
	c := j.webCommand(&cobra.Command{
		Use: "find --url URL", Short: "List the studies of a server", Args: noArgs,
		Long: "Lists studies, newest first, without names and IDs of patients unless --identity is given.",
		RunE: func(cmd *cobra.Command, _ []string) error { return s.find(cmd.Context(), j) },
	})
	f := c.Flags()
	f.StringVar(&j.query.Patient, "patient", "", "ID of the patient; * stands for any text")
	f.StringVar(&j.query.Name, "name", "", "name of the patient, as DOE^JOHN or DOE*")
	f.StringVar(&j.query.Date, "date", "", "date of the study, as 20260131 or 20260101-20260131")
	f.StringVar(&j.query.Modality, "modality", "", "modality that the study has, as MR or SEG")
	f.IntVar(&j.query.Limit, "limit", 100, "most studies to list")
	f.BoolVar(&j.identity, "identity", false, "show names and IDs of patients")
	return c
}

func (s *session) find(ctx context.Context, j webJob) error {
	if j.query.Limit < 1 {
		return usageError("--limit is %d; it is 1 or more", j.query.Limit)
	}
	client, err := j.client()
	if err != nil {
		return err
	}
	defer client.Close()
	studies, err := client.Find(ctx, j.query)
	if err != nil {
		return err
	}
	if len(studies) == 0 {
		s.say("no study on %s is like that", client.Host())
		return nil
	}
	table := tabwriter.NewWriter(s.Out, 2, 4, 2, ' ', 0)
	fmt.Fprint(table, "STUDY\tDATE\tMODALITIES\tSERIES\tOBJECTS\tDESCRIPTION")
	if j.identity {
		fmt.Fprint(table, "\tPATIENT\tNAME")
	}
	fmt.Fprintln(table)
	for _, x := range studies {
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%s", oneLine(x.UID), oneLine(x.Date), oneLine(strings.Join(x.Modalities, " ")), x.Series, x.Instances, oneLine(x.Description))
		if j.identity {
			fmt.Fprintf(table, "\t%s\t%s", oneLine(x.Patient), oneLine(x.Name))
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

func (s *session) webOpen() *cobra.Command {
	var j webJob
	c := j.webCommand(&cobra.Command{
		Use: "open --url URL STUDY -o FOLDER", Short: "Fetch a study from a server into a new folder, and list its series",
		Long:    "STUDY is the UID that `bayeslice dicomweb find` lists. FOLDER gets the study's objects as they are, with the patient's\nname where they hold it; `bayeslice open FOLDER` shows them in the window.",
		Example: "  bayeslice dicomweb open --url https://pacs.example/dicom-web 1.2.840.113… -o exam/",
		Args:    oneArg("a STUDY: its UID"),
		RunE:    func(cmd *cobra.Command, args []string) error { return s.fetch(cmd.Context(), j, args[0]) },
	})
	c.Flags().StringVarP(&j.out, "out", "o", "", "new folder for the study (required)")
	return c
}

func (s *session) fetch(ctx context.Context, j webJob, study string) error {
	if j.out == "" {
		return usageError("open needs -o FOLDER for the study")
	}
	client, err := j.client()
	if err != nil {
		return err
	}
	defer client.Close()
	live := isTerminal(s.Err)
	n, err := client.Fetch(ctx, study, j.out, func(n int) {
		if live {
			fmt.Fprintf(s.Err, "\rfetching: %d objects", n)
		}
	})
	if live {
		fmt.Fprintln(s.Err)
	}
	if err != nil {
		return err
	}
	s.say("fetched %d objects into %s", n, j.out)
	e, err := s.openExam(ctx, j.out, "", nil)
	if err != nil {
		return fmt.Errorf("the study is there, and cannot be read as an exam: %w", err)
	}
	return s.printExam(newExamView(e))
}
