package machine

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
)

// InUse is what this program holds in memory now, in bytes (resident, libraries and their buffers included).
func InUse() int64 { return procField("/proc/self/status", "VmRSS:") }

// Free is the memory that this program can still take, in bytes: what is left of the machine's, with what can be swapped out, or of a
// limit on the container where that is less.
func Free() int64 {
	free := procField("/proc/meminfo", "MemAvailable:") + procField("/proc/meminfo", "SwapFree:")
	for _, l := range limits() {
		free = min(free, max(1, l.most-l.used)) // 0 would mean that it is not known
	}
	return free
}

// Total is all the memory that this program may ever have, in bytes: that of the machine, or of a limit on the container where that is less.
func Total() int64 {
	all := procField("/proc/meminfo", "MemTotal:")
	for _, l := range limits() {
		if all == 0 || l.most < all {
			all = l.most
		}
	}
	return all
}

// limit is a bound on memory, and how much of it is in use, bytes.
type limit struct{ most, used int64 }

// cgroups are the versions of control groups: what the lines of /proc/self/cgroup that are theirs hold between the colons, where the
// groups lie, and the files with limit, use, and the field of statistics that is given back when others need memory.
var cgroups = []struct{ controller, root, most, used, cache string }{
	{"", "/sys/fs/cgroup", "memory.max", "memory.current", "file "},
	{"memory", "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_cache "},
}

// limits are those of the control groups that this process is in.
func limits() []limit {
	var out []limit
	lines, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		lines = nil
	}
	for _, v := range cgroups {
		groups := []string{"/"} // in a container its own group may be mounted there, whatever its name
		for line := range strings.Lines(string(lines)) {
			if part := strings.SplitN(strings.TrimSpace(line), ":", 3); len(part) == 3 && part[1] == v.controller {
				groups = append(groups, part[2])
			}
		}
		for _, g := range groups {
			for ; ; g = path.Dir(g) {
				dir := path.Join(v.root, g)
				if most := number(path.Join(dir, v.most)); most > 0 {
					cache := fileField(path.Join(dir, "memory.stat"), v.cache)
					out = append(out, limit{most, max(0, number(path.Join(dir, v.used))-cache)})
				}
				if g == "/" || g == "." {
					break
				}
			}
		}
	}
	return out
}

// number reads a file that holds a number; 0 where it holds none, as "max".
func number(path string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// procField reads a field in kB from a file of the kernel, in bytes; 0 where there is none.
func procField(path, name string) int64 { return 1024 * fileField(path, name) }

// fileField reads the number that follows a name at the beginning of a line; 0 where there is none.
func fileField(path, name string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte(name)); ok {
			var n int64
			if _, err := fmt.Sscan(string(rest), &n); err != nil {
				return 0
			}
			return n
		}
	}
	return 0
}
