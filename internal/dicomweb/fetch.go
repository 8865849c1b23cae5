package dicomweb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"bayeslice/internal/imageio/codec"
)

// Query chooses studies; empty fields choose all. * stands for any text.
type Query struct {
	Patient  string // PatientID
	Name     string // PatientName
	Date     string // YYYYMMDD, or two with a hyphen
	Modality string // one of the study's, such as MR
	Limit    int    // most studies to return; 0 is 100
}

// Study is one study on a server. Patient and Name identify the patient.
type Study struct {
	UID           string
	Date          string // YYYYMMDD
	Description   string
	Modalities    []string
	Series        int
	Instances     int // 0 where the server does not tell
	Patient, Name string
}

// Tags of what is asked for.
const (
	studyUID, studyDate, studyDescription = "0020000D", "00080020", "00081030"
	modalitiesInStudy                     = "00080061"
	patientID, patientName                = "00100020", "00100010"
	relatedSeries, relatedInstances       = "00201206", "00201208"
)

// Find lists the studies that a query chooses, newest first.
func (c *Client) Find(ctx context.Context, q Query) ([]Study, error) {
	if q.Limit == 0 {
		q.Limit = 100
	}
	values := url.Values{"limit": {strconv.Itoa(q.Limit)}, "includefield": {relatedSeries, relatedInstances, modalitiesInStudy, studyDescription}}
	for tag, v := range map[string]string{patientID: q.Patient, patientName: q.Name, studyDate: q.Date, modalitiesInStudy: q.Modality} {
		if v != "" {
			values.Set(tag, v)
		}
	}
	answer, err := c.do(ctx, http.MethodGet, "studies", values, http.Header{"Accept": {"application/dicom+json"}}, nil)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	if answer.StatusCode == http.StatusNoContent {
		return nil, nil
	}
	var found []object
	if err := decodeJSON(answer.Body, &found); err != nil {
		return nil, errors.Join(ctx.Err(), err)
	}
	var out []Study
	for _, o := range found {
		number := func(tag string) int { n, _ := strconv.Atoi(o.text(tag)); return n } // 0 where it is none
		out = append(out, Study{UID: o.text(studyUID), Date: o.text(studyDate), Description: o.text(studyDescription), Modalities: o.texts(modalitiesInStudy),
			Series: number(relatedSeries), Instances: number(relatedInstances), Patient: o.text(patientID), Name: o.text(patientName)})
	}
	slices.SortStableFunc(out, func(a, b Study) int { return strings.Compare(b.Date, a.Date) })
	return out, nil
}

// Bounds of what a server may send.
const (
	maxObjects = 100_000
	maxObject  = 2 << 30
)

// Fetch retrieves all objects of a study as files of a folder that it makes and that must not hold anything yet. They appear together or not at
// all. progress, which may be nil, is called with the number of objects so far. It returns that number, and fails with [ErrFolder],
// [ErrAddress] (no UID), the errors of [Client.Find], or ctx's.
func (c *Client) Fetch(ctx context.Context, uid, dir string, progress func(objects int)) (n int, err error) {
	if uid == "" || strings.Trim(uid, "0123456789.") != "" || len(uid) > 64 {
		return 0, fmt.Errorf("%w: a study is named by its UID, which has digits and points; take it from `bayeslice dicomweb find`", ErrAddress)
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return 0, fmt.Errorf("%w: %s is not empty; name a new one", ErrFolder, dir)
	}
	answer, err := c.do(ctx, http.MethodGet, "studies/"+uid, nil, http.Header{"Accept": {`multipart/related; type="application/dicom"; transfer-syntax=*`}}, nil)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	kind, parameters, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/related" || parameters["boundary"] == "" {
		return 0, fmt.Errorf("%w: %s sends no DICOM objects; check the address", ErrAnswer, c.Host())
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o750); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrFolder, err)
	}
	stage, err := os.MkdirTemp(parent, ".bayeslice-fetch-*")
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrFolder, err)
	}
	defer os.RemoveAll(stage) //nolint:errcheck // it was moved away, or the error that stays is told
	if n, err = c.parts(ctx, multipart.NewReader(answer.Body, parameters["boundary"]), stage, progress); err != nil {
		return 0, err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("%w: %w", ErrFolder, err)
	}
	if err := os.Rename(stage, dir); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrFolder, err)
	}
	return n, nil
}

// parts writes each object of an answer as a file.
func (c *Client) parts(ctx context.Context, r *multipart.Reader, dir string, progress func(int)) (n int, err error) {
	for {
		part, err := r.NextRawPart()
		switch {
		case errors.Is(err, io.EOF) && n > 0:
			return n, nil
		case errors.Is(err, io.EOF):
			return 0, fmt.Errorf("%w: %s sends nothing of this study", ErrAnswer, c.Host())
		case err != nil:
			return 0, c.broken(ctx, n)
		case n == maxObjects:
			return 0, fmt.Errorf("%w: the study has more than %d objects", ErrAnswer, maxObjects)
		}
		n++
		read := &counted{r: part}
		if err := codec.WriteFile(filepath.Join(dir, fmt.Sprintf("IM%05d.dcm", n)), func(w io.Writer) error {
			_, err := io.Copy(w, read)
			return err
		}); read.err != nil {
			return 0, c.broken(ctx, n-1)
		} else if err != nil {
			return 0, fmt.Errorf("%w: %w", ErrFolder, err)
		}
		if progress != nil {
			progress(n)
		}
	}
}

// broken says that an answer ended early.
func (c *Client) broken(ctx context.Context, n int) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: the connection to %s broke after %d objects, of which none is kept; try again", ErrUnreachable, c.Host(), n)
}

// counted reads no more than an object may have, and keeps what went wrong in reading.
type counted struct {
	r    io.Reader
	left int64
	err  error
	used bool
}

func (c *counted) Read(p []byte) (int, error) {
	if !c.used {
		c.left, c.used = maxObject, true
	}
	if c.left <= 0 {
		c.err = ErrAnswer
		return 0, c.err
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}
