package dicomweb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"

	"bayeslice/internal/imageio/dicom"
)

// SendError says that sending stopped, and how many objects the server has nevertheless.
type SendError struct {
	Sent, Of int
	Err      error
}

// Error says how far it came.
func (e *SendError) Error() string {
	if e.Sent == 0 {
		return "dicomweb: nothing was sent: " + e.Err.Error()
	}
	return fmt.Sprintf("dicomweb: %d of %d objects were sent and are kept by the server, the rest is not there; send again, which repeats nothing: %s", e.Sent, e.Of, e.Err)
}

// Unwrap returns the cause.
func (e *SendError) Unwrap() error { return e.Err }

// Object is a file to be sent.
type Object struct {
	Path  string
	Named bool // it names a patient: nobody took its identity out
}

var (
	tagSOPClass = dicom.TagOf(0x0008, 0x0016)
	tagRemoved  = dicom.TagOf(0x0012, 0x0062)
)

// Look checks files before they are sent: each must be a DICOM object. It fails with [ErrObject], which names the file.
func Look(ctx context.Context, paths []string) ([]Object, error) {
	var out []Object
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		dir, name := filepath.Split(path)
		if dir == "" {
			dir = "."
		}
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // a pipe would be waited for
			return nil, fmt.Errorf("%w: %s is no file; leave it out", ErrObject, name)
		}
		o, err := dicom.ReadObject(os.DirFS(dir), name, func(t dicom.Tag, depth int) bool { return depth == 0 && (t == tagSOPClass || t == tagRemoved) })
		switch {
		case err != nil:
			return nil, fmt.Errorf("%w: %s (%w); leave it out", ErrObject, name, err)
		case o.Text(tagSOPClass) == "":
			return nil, fmt.Errorf("%w: %s names no SOP class; leave it out", ErrObject, name)
		}
		out = append(out, Object{path, o.Text(tagRemoved) != "YES"})
	}
	return out, nil
}

// Send stores objects on the server, one request each, so that what was sent stays there whatever happens to the rest. progress, which may be nil, is
// called before each and at the end. It fails with [*SendError].
func (c *Client) Send(ctx context.Context, objects []Object, progress func(done, of int)) error {
	for n, o := range objects {
		if progress != nil {
			progress(n, len(objects))
		}
		err := ctx.Err()
		if err == nil {
			err = c.store(ctx, o.Path)
		}
		if err != nil {
			return &SendError{n, len(objects), err}
		}
	}
	if progress != nil {
		progress(len(objects), len(objects))
	}
	return nil
}

// store sends one object.
func (c *Client) store(ctx context.Context, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	body, into := io.Pipe()
	form := multipart.NewWriter(into)
	go func() { into.CloseWithError(writePart(form, f)) }()
	defer body.Close() //nolint:errcheck // ends the writer where the server does not read on
	answer, err := c.do(ctx, http.MethodPost, "studies", nil, http.Header{
		"Content-Type": {`multipart/related; type="application/dicom"; boundary=` + form.Boundary()}, "Accept": {"application/dicom+json"}}, body)
	if answer != nil && answer.StatusCode == http.StatusConflict {
		return fmt.Errorf("%w: %s does not take the object %s (HTTP 409); ask who runs the server whether it takes such objects", ErrServer, c.Host(), filepath.Base(path))
	}
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	var told object
	if err := decodeJSON(answer.Body, &told); err != nil {
		return err
	}
	if failed := told.items("00081198"); len(failed) > 0 {
		return fmt.Errorf("%w: %s did not keep %s (reason %s); ask who runs the server", ErrServer, c.Host(), filepath.Base(path), failed[0].text("00081197"))
	}
	if len(told.items("00081199")) == 0 {
		return fmt.Errorf("%w: %s does not say that it kept %s; look there before you send it again", ErrAnswer, c.Host(), filepath.Base(path))
	}
	return nil
}

func writePart(form *multipart.Writer, f io.Reader) error {
	part, err := form.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/dicom"}})
	if err == nil {
		_, err = io.Copy(part, f)
	}
	return errors.Join(err, form.Close())
}
