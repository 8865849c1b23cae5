package machine

import (
	"fmt"
	"os"

	"golang.org/x/sys/windows/registry"
)

// displayClass is where Windows keeps its graphics drivers.
const displayClass = `SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}`

// systemFacts reads the processor, and the name and version of every graphics driver.
func systemFacts() []string {
	facts := []string{"processor " + os.Getenv("PROCESSOR_IDENTIFIER")}
	for n := range 10 {
		key, err := registry.OpenKey(registry.LOCAL_MACHINE, fmt.Sprintf(`%s\%04d`, displayClass, n), registry.QUERY_VALUE)
		if err != nil {
			continue
		}
		name, _, err := key.GetStringValue("DriverDesc")
		version, _, errVersion := key.GetStringValue("DriverVersion")
		if err == nil && errVersion == nil {
			facts = append(facts, "graphics "+name+" "+version)
		}
		_ = key.Close() // it was only read
	}
	return facts
}
