//go:build unix

// Package slurmtest starts a real Slurm of one node for tests: munged, slurmctld and slurmd from Debian's packages munge
// and slurm-wlm, with a fresh key, on free ports of the loopback interface, with all files in a temporary folder. It
// needs neither systemd nor cgroups, and no rights but those of the user who runs the tests.
package slurmtest

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"

	"bayeslice/internal/testenv"
)

// Cluster is a Slurm that runs until the test ends. Its methods fail the test where Slurm does not do as it is told.
type Cluster struct {
	t      *testing.T
	folder string
	host   string
	node   *exec.Cmd // slurmd
}

// programs are looked up in these folders too, which are not in every user's PATH.
const systemPrograms = "/usr/sbin:/usr/local/sbin:/sbin"

// patience is how long things may take that take some seconds on a machine that does nothing else.
const patience = 2 * time.Minute

//go:embed slurm.conf.tmpl
var confText string

// Start starts Slurm and makes it that of all commands of the test, through the environment. Where it is not installed, the test
// is skipped, or fails where BAYESLICE_REQUIRE names "slurm".
func Start(t *testing.T) *Cluster {
	t.Helper()
	t.Setenv("PATH", os.Getenv("PATH")+":"+systemPrograms)
	for _, name := range []string{"munged", "slurmctld", "slurmd", "sbatch"} {
		if _, err := exec.LookPath(name); err != nil {
			testenv.SkipOrFail(t, "slurm", "there is no "+name+" on this machine (Debian's packages slurm-wlm and munge have it)")
		}
	}
	c := &Cluster{t: t, folder: folder(t)}
	c.configure()
	c.cleanup()
	c.munge()
	c.start("slurmctld", "-D", "-i")
	c.StartNode()
	return c
}

// folder is a temporary one with a short path, since the path of a socket has at most 107 bytes.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "slurm") //nolint:usetesting // t.TempDir is too long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("the folder of Slurm stays: %v", err)
		}
	})
	for _, sub := range []string{"state", "spool", "munge"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// configure writes slurm.conf and a key, and points Slurm's commands there.
func (c *Cluster) configure() {
	c.t.Helper()
	host, err := os.Hostname()
	if err != nil {
		c.t.Fatal(err)
	}
	c.host, _, _ = strings.Cut(host, ".")
	me, err := user.Current()
	if err != nil {
		c.t.Fatal(err)
	}
	ports := freePorts(c.t, 2)
	var conf bytes.Buffer
	err = template.Must(template.New("slurm.conf").Parse(confText)).Execute(&conf, map[string]any{
		"Folder": c.folder, "Host": c.host, "User": me.Username, "Controller": ports[0], "Node": ports[1],
	})
	if err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(c.conf(), conf.Bytes(), 0o600); err != nil {
		c.t.Fatal(err)
	}
	key := make([]byte, 1024)
	rand.Read(key)
	if err := os.WriteFile(filepath.Join(c.folder, "munge", "key"), key, 0o400); err != nil {
		c.t.Fatal(err)
	}
	c.t.Setenv("SLURM_CONF", c.conf())
}

// conf is the file of Slurm's settings, by which its processes are known.
func (c *Cluster) conf() string { return filepath.Join(c.folder, "slurm.conf") }

// freePorts returns ports of the loopback interface that nobody has.
func freePorts(t testing.TB, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() //nolint:errcheck // it only held the port
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// munge starts the daemon that vouches for users.
func (c *Cluster) munge() {
	c.t.Helper()
	in := func(name string) string { return filepath.Join(c.folder, "munge", name) }
	c.start("munged", "--foreground", "--force", "--num-threads=1", "--key-file="+in("key"), "--socket="+in("socket"),
		"--pid-file="+in("pid"), "--seed-file="+in("seed"), "--log-file="+in("log"))
	c.Await("munged to listen", func() bool { _, err := os.Stat(in("socket")); return err == nil })
}

// start starts a daemon in the foreground as a child of the test. Its output goes to a file of the folder.
func (c *Cluster) start(name string, args ...string) *exec.Cmd {
	c.t.Helper()
	log, err := os.OpenFile(filepath.Join(c.folder, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close() //nolint:errcheck // the daemon has its own
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)                                  //nolint:errcheck // it may be gone
		over := time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() }) //nolint:errcheck // it may be gone
		cmd.Wait()                                                           //nolint:errcheck // how it ends does not matter any more
		over.Stop()
	})
	return cmd
}

// cleanup has every job gone before the daemons are stopped, and shows the logs where the test failed. Cleanups
// run in reverse: this one must come before the daemons are started to run after they were stopped.
func (c *Cluster) cleanup() {
	c.t.Cleanup(func() {
		c.killJobs()
		if c.t.Failed() {
			for _, name := range []string{"slurmctld.log", "slurmd.log"} {
				text, err := os.ReadFile(filepath.Join(c.folder, name))
				c.t.Logf("%s (%v):\n%s", name, err, text[max(0, len(text)-4000):])
			}
		}
	})
}

// StartNode starts the node, anew after [Cluster.KillNode], and waits until Slurm gives it jobs.
func (c *Cluster) StartNode() {
	c.t.Helper()
	c.node = c.start("slurmd", "-D")
	c.Await("the node to be there", func() bool {
		state := c.try("sinfo", "--noheader", "--format=%T")
		return state == "idle" || state == "mixed" || state == "allocated"
	})
}

// KillNode is what a node's power failure looks like: slurmd, and every process of the jobs on it, are killed at once. Slurm
// finds out after some seconds.
func (c *Cluster) KillNode() {
	c.t.Helper()
	c.node.Process.Kill() //nolint:errcheck // it may have ended
	rest := 0
	c.Await("the jobs' processes to end", func() bool {
		c.killJobs() // again: a job that was just being begun is seen when its script runs
		if rest++; len(c.processes()) > 0 {
			rest = 0
		}
		return rest == 5
	})
}

// killJobs kills every process of jobs, and slurmstepd, which waits for each.
func (c *Cluster) killJobs() {
	jobs := c.processes()
	for _, p := range jobs {
		if name, parent := stat(p.id); name == "slurm_script" {
			if over, _ := stat(parent); over == "slurmstepd" {
				syscall.Kill(parent, syscall.SIGKILL) //nolint:errcheck // it may have ended
			}
		}
	}
	for _, p := range jobs {
		syscall.Kill(p.id, syscall.SIGKILL) //nolint:errcheck // it may have ended
	}
}

// SignalElement sends a signal, such as SIGKILL, to what the script of an array's element has started, and not to the script.
func (c *Cluster) SignalElement(index int, signal syscall.Signal) {
	c.t.Helper()
	reached := 0
	for _, p := range c.processes() {
		if name, _ := stat(p.id); name != "slurm_script" && p.environment["SLURM_ARRAY_TASK_ID"] == strconv.Itoa(index) {
			syscall.Kill(p.id, signal) //nolint:errcheck // it may have ended
			reached++
		}
	}
	if reached == 0 {
		c.t.Errorf("element %d had no process to send %v to", index, signal)
	}
}

// process is one of a job.
type process struct {
	id          int
	environment map[string]string
}

// processes finds those of this Slurm's jobs, scripts and all, by what is in their environment.
func (c *Cluster) processes() []process {
	var out []process
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it ended, or belongs to another user
		}
		p := process{environment: map[string]string{}}
		for entry := range strings.SplitSeq(string(text), "\x00") {
			name, value, _ := strings.Cut(entry, "=")
			p.environment[name] = value
		}
		p.id, err = strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil && p.environment["SLURM_CONF"] == c.conf() && p.environment["SLURM_JOB_ID"] != "" {
			out = append(out, p)
		}
	}
	return out
}

// stat returns a process's name and its parent; "" where there is none.
func stat(id int) (name string, parent int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id))
	if err != nil {
		return "", 0
	}
	begin, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	rest := strings.Fields(string(text[end+1:])) // state, parent, …
	parent, _ = strconv.Atoi(rest[1])
	return string(text[begin+1 : end]), parent
}

// try runs one of Slurm's commands and returns what it prints, "" where it fails.
func (c *Cluster) try(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// Run runs one of Slurm's commands and returns what it prints.
func (c *Cluster) Run(name string, args ...string) string {
	c.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		c.t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// Jobs describes a job, every element of an array apart, as scontrol does: fields by name, such as JobState and Restarts.
// An array's elements that wait may share one description, whose ArrayTaskId is a list.
func (c *Cluster) Jobs(number string) []map[string]string {
	var out []map[string]string
	for line := range strings.Lines(c.try("scontrol", "--oneliner", "show", "job", number)) {
		fields := map[string]string{}
		for _, word := range strings.Fields(line) {
			name, value, _ := strings.Cut(word, "=")
			fields[name] = value
		}
		if fields["JobState"] != "" { // else the rest of a path with a line break
			out = append(out, fields)
		}
	}
	return out
}

// Await waits until something is so, and fails the test where that takes far longer than it should.
func (c *Cluster) Await(what string, is func() bool) {
	c.t.Helper()
	began := time.Now()
	defer func() { c.t.Logf("%s: %s", what, time.Since(began).Round(time.Millisecond)) }()
	for end := began.Add(patience); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("waited %s for %s; the queue:\n%s", patience, what, c.try("squeue", "--array", "--long"))
		}
	}
}
