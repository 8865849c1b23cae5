// Package dicomweb sends DICOM objects to a DICOMweb server (STOW-RS), looks for studies on it (QIDO-RS) and fetches them (WADO-RS). It is
// the only package that reaches the network, and does so only when a function of it is called. Nothing that its errors say
// holds an address's query, a patient or a credential. Source: DICOM PS3.18.
package dicomweb

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"bayeslice/internal/syserr"
)

// Sentinels. The text of every error says what happened and what to do next.
var (
	// ErrAddress: the address of the server cannot be used.
	ErrAddress = errors.New("dicomweb: this is no address of a DICOMweb server")
	// ErrUnreachable: no server answers there.
	ErrUnreachable = errors.New("dicomweb: the server cannot be reached")
	// ErrTLS: the connection is not trusted.
	ErrTLS = errors.New("dicomweb: no trusted connection")
	// ErrAuth: the server does not know the user, or does not allow it.
	ErrAuth = errors.New("dicomweb: the server refuses the user")
	// ErrServer: the server answered, but not as asked.
	ErrServer = errors.New("dicomweb: the server refuses")
	// ErrAnswer: the answer is no DICOMweb, or larger than anything that was asked for.
	ErrAnswer = errors.New("dicomweb: the server's answer cannot be used")
	// ErrObject: a file to be sent is no DICOM object.
	ErrObject = errors.New("dicomweb: not a DICOM object")
	// ErrFolder: the folder to fetch into cannot be used.
	ErrFolder = errors.New("dicomweb: this folder cannot be used")
)

// Server is how to reach a DICOMweb server. The zero values of all but URL are usable.
type Server struct {
	URL            string // base of the services, such as "https://pacs.example/dicom-web"
	User, Password string // HTTP basic authentication; User "" sends none
	Token          string // bearer token; instead of User
	Authorities    []byte // PEM certificates of authorities that are trusted beside the system's
}

// String keeps credentials out of whatever prints a server.
func (s Server) String() string { return "[server withheld]" }

// Client speaks with one server. Make it with [New]. It is safe for concurrent use.
type Client struct {
	base   *url.URL
	server Server
	http   *http.Client
}

// patience is how long a server may take for a connection, and until its answer begins.
const patience = 30 * time.Second

// New returns a client; it does not connect. It fails with [ErrAddress] or [ErrTLS] (certificates that cannot be read).
func New(s Server) (*Client, error) {
	u, err := url.Parse(strings.TrimRight(s.URL, "/"))
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("%w; give one that begins with https:// or http://, such as https://pacs.example/dicom-web", ErrAddress)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("%w; give it without user, password and question mark", ErrAddress)
	}
	roots, err := x509.SystemCertPool()
	if err != nil || roots == nil {
		roots = x509.NewCertPool()
	}
	if len(s.Authorities) > 0 && !roots.AppendCertsFromPEM(s.Authorities) {
		return nil, fmt.Errorf("%w: the file of certificates holds none; give PEM certificates", ErrTLS)
	}
	dialer := &net.Dialer{Timeout: patience}
	return &Client{base: u, server: s, http: &http.Client{
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSHandshakeTimeout: patience, ResponseHeaderTimeout: 10 * patience,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // credentials go to nobody else
	}}, nil
}

// Encrypted reports whether what is sent can be read on its way by nobody else, or does not leave this computer.
func (c *Client) Encrypted() bool {
	ip := net.ParseIP(c.base.Hostname())
	return c.base.Scheme == "https" || c.base.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// Host names the server without anything else of its address.
func (c *Client) Host() string { return c.base.Host }

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// do sends a request and returns an answer of status 2xx, whose body the caller closes.
func (c *Client) do(ctx context.Context, method, path string, query url.Values, header http.Header, body io.Reader) (*http.Response, error) {
	u := c.base.JoinPath(path)
	u.RawQuery = query.Encode()
	r, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrAddress, c.Host())
	}
	for k, v := range header {
		r.Header[k] = v
	}
	switch {
	case c.server.Token != "":
		r.Header.Set("Authorization", "Bearer "+c.server.Token)
	case c.server.User != "":
		r.SetBasicAuth(c.server.User, c.server.Password)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if answer.StatusCode/100 == 2 {
		return answer, nil
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	return answer, c.refused(answer)
}

// unreachable turns an error of the network into a sentence, without the address that it holds.
func (c *Client) unreachable(ctx context.Context, err error) error {
	var broken *url.Error
	if errors.As(err, &broken) {
		err = broken.Err
	}
	var (
		unknown   x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		name      x509.HostnameError
		alert     tls.AlertError
		plain     tls.RecordHeaderError
		lookup    *net.DNSError
		timeout   net.Error
		unchecked *tls.CertificateVerificationError
	)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &unknown), errors.As(err, &invalid), errors.As(err, &name), errors.As(err, &unchecked):
		return fmt.Errorf("%w with %s: its certificate is not trusted (%w); add its authority with --ca, or ask who runs the server", ErrTLS, c.Host(), err)
	case errors.As(err, &plain), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("%w: %s does not speak TLS; check the port, or use http:// where the network is trusted", ErrTLS, c.Host())
	case errors.As(err, &alert):
		return fmt.Errorf("%w: %s ended the handshake (%w); ask who runs the server", ErrTLS, c.Host(), err)
	case errors.As(err, &lookup):
		return fmt.Errorf("%w: there is no computer called %s; check the address and the network", ErrUnreachable, c.base.Hostname())
	case errors.Is(err, syserr.Refused):
		return fmt.Errorf("%w: nothing listens at %s; check the port and whether the server runs", ErrUnreachable, c.Host())
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("%w: %s does not answer; check the network and try again", ErrUnreachable, c.Host())
	}
	return fmt.Errorf("%w: the connection to %s broke (%w); check the network and try again", ErrUnreachable, c.Host(), err)
}

// refused turns an answer that is no success into a sentence. What the server writes may hold anything and is not repeated.
func (c *Client) refused(answer *http.Response) error {
	switch code := answer.StatusCode; {
	case code == http.StatusUnauthorized && c.server.User == "" && c.server.Token == "":
		return fmt.Errorf("%w: %s asks for a user; give --user, or a token with --token-file", ErrAuth, c.Host())
	case code == http.StatusUnauthorized:
		return fmt.Errorf("%w: %s does not take the user and password, or the token; check them", ErrAuth, c.Host())
	case code == http.StatusForbidden:
		return fmt.Errorf("%w: the user may not do this on %s; ask who runs the server", ErrAuth, c.Host())
	case code/100 == 3:
		return fmt.Errorf("%w: %s sends on to another address, which is not followed; give the address that it should be", ErrServer, c.Host())
	case code == http.StatusNotFound:
		return fmt.Errorf("%w: %s has no such thing (HTTP 404); check the address, which ends in /dicom-web on many servers, and the study's UID", ErrServer, c.Host())
	case code == http.StatusRequestEntityTooLarge, code == http.StatusInsufficientStorage:
		return fmt.Errorf("%w: %s has no room for the object (HTTP %d); ask who runs the server", ErrServer, c.Host(), code)
	case code/100 == 5:
		return fmt.Errorf("%w: %s failed (HTTP %d); try again later, or ask who runs the server", ErrServer, c.Host(), code)
	}
	return fmt.Errorf("%w: %s answers with HTTP %d; check the address, and whether the server takes such objects", ErrServer, c.Host(), answer.StatusCode)
}

// maxJSON bounds answers about objects.
const maxJSON = 64 << 20

// decodeJSON reads an answer in DICOM JSON.
func decodeJSON(r io.Reader, into any) error {
	if err := json.NewDecoder(io.LimitReader(r, maxJSON)).Decode(into); err != nil {
		return fmt.Errorf("%w: it is no DICOM JSON; check the address", ErrAnswer)
	}
	return nil
}

// attribute is one attribute in DICOM JSON (PS3.18 annex F).
type attribute struct {
	Value []json.RawMessage `json:"Value"`
}

// object is a data set in DICOM JSON, by tag such as "0020000D".
type object map[string]attribute

// texts returns the values of an attribute as texts; of a person name its alphabetic form.
func (o object) texts(tag string) []string {
	var out []string
	for _, raw := range o[tag].Value {
		var text string
		var number json.Number
		var name struct{ Alphabetic string }
		switch {
		case json.Unmarshal(raw, &text) == nil:
			out = append(out, text)
		case json.Unmarshal(raw, &number) == nil:
			out = append(out, number.String())
		case json.Unmarshal(raw, &name) == nil:
			out = append(out, name.Alphabetic)
		}
	}
	return out
}

func (o object) text(tag string) string { return strings.Join(o.texts(tag), "\\") }

// items returns the items of a sequence.
func (o object) items(tag string) []object {
	var out []object
	for _, raw := range o[tag].Value {
		var item object
		if json.Unmarshal(raw, &item) == nil {
			out = append(out, item)
		}
	}
	return out
}
