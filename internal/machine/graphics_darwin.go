package machine

import "golang.org/x/sys/unix"

// systemFacts asks the kernel for the processor, which on Apple's machines is the graphics card too, and for the version of
// macOS, which brings all drivers.
func systemFacts() []string {
	var facts []string
	for _, name := range []string{"machdep.cpu.brand_string", "hw.model", "kern.osproductversion"} {
		if v, err := unix.Sysctl(name); err == nil {
			facts = append(facts, name+" "+v)
		}
	}
	return facts
}
