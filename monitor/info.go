package monitor

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// VersionInfo is query-version's result.
type VersionInfo struct {
	QEMU    VersionTriple `json:"qemu"`
	Package string        `json:"package"`
}

// VersionTriple is a version's numbers.
type VersionTriple struct {
	Major int64 `json:"major"`
	Minor int64 `json:"minor"`
	Micro int64 `json:"micro"`
}

// Version is what query-version and the greeting say: the QEMU whose protocol this is, and who speaks it.
func Version(c Control) VersionInfo {
	return VersionInfo{VersionTriple{7, 2, 0}, "govm-desktop " + c.Version()}
}

// NameInfo is query-name's result.
type NameInfo struct {
	Name string `json:"name,omitempty"`
}

// UUIDInfo is query-uuid's.
type UUIDInfo struct {
	UUID string `json:"UUID"`
}

// KVMInfo is query-kvm's.
type KVMInfo struct {
	Enabled bool `json:"enabled"`
	Present bool `json:"present"`
}

// CPUInfo is a line of query-cpus-fast's.
type CPUInfo struct {
	Index    int64    `json:"cpu-index"`
	Path     string   `json:"qom-path"`
	ThreadID int64    `json:"thread-id"`
	Props    CPUProps `json:"props"`
	Target   string   `json:"target"`
}

// CPUProps is a processor's place in the machine.
type CPUProps struct {
	Socket int64 `json:"socket-id"`
	Core   int64 `json:"core-id"`
	Thread int64 `json:"thread-id"`
}

func cpuPath(n int) string { return fmt.Sprintf("/machine/cpu[%d]", n) }

// oneMachine is query-current-machine's result.
type oneMachine struct {
	Wakeup bool `json:"wakeup-suspend-support"`
}

// machineInfo is a line of query-machines'.
type machineInfo struct {
	Name       string `json:"name"`
	Alias      string `json:"alias,omitempty"`
	IsDefault  bool   `json:"is-default,omitempty"`
	CPUMax     int64  `json:"cpu-max"`
	HotplugCPU bool   `json:"hotpluggable-cpus"`
	NUMA       bool   `json:"numa-mem-supported"`
	Deprecated bool   `json:"deprecated"`
	CPUType    string `json:"default-cpu-type,omitempty"`
	RAMID      string `json:"default-ram-id,omitempty"`
}

// cpuModel is a line of query-cpu-definitions'.
type cpuModel struct {
	Name        string   `json:"name"`
	TypeName    string   `json:"typename"`
	Unavailable []string `json:"unavailable-features"`
	Static      bool     `json:"static"`
	Safe        bool     `json:"migration-safe"`
	Deprecated  bool     `json:"deprecated"`
}

// memorySize is query-memory-size-summary's result.
type memorySize struct {
	Base    int64 `json:"base-memory"`
	Plugged int64 `json:"plugged-memory"`
}

// text is the result of x-query- commands: what HMP prints.
type text struct {
	Text string `json:"human-readable-text"`
}

func infoCommands() []*Command {
	return []*Command{
		{HMP: "info version", QMP: "query-version", Help: "the program's version", Returns: VersionInfo{}, Run: func(c *Call) (any, error) { return Version(c), nil },
			Print: func(w io.Writer, r any) { fmt.Fprintln(w, r.(VersionInfo).Package) }},
		{HMP: "info name", QMP: "query-name", Help: "the machine's name", Returns: NameInfo{}, Run: func(c *Call) (any, error) { return NameInfo{c.Name()}, nil },
			Print: func(w io.Writer, r any) { fmt.Fprintln(w, r.(NameInfo).Name) }},
		{HMP: "info uuid", QMP: "query-uuid", Help: "the machine's UUID", Returns: UUIDInfo{}, Run: func(c *Call) (any, error) { return UUIDInfo{c.UUID()}, nil },
			Print: func(w io.Writer, r any) { fmt.Fprintln(w, r.(UUIDInfo).UUID) }},
		{HMP: "info kvm", QMP: "query-kvm", Help: "whether the processors run on the host's", Returns: KVMInfo{}, Run: func(c *Call) (any, error) {
			var k KVMInfo
			k.Enabled, k.Present = c.KVM()
			return k, nil
		}, Print: printKVM},
		{HMP: "info cpus", QMP: "query-cpus-fast", Help: "the processors", Returns: []CPUInfo{}, Run: runCPUs, PrintIn: printCPUs},
		{HMP: "cpu", Params: []Param{{Name: "index", Type: Int}}, Help: "choose the processor that registers and addresses are of", Run: runCPU},
		{HMP: "info history", Help: "the lines that were typed", Run: func(c *Call) (any, error) { return c.Session.History, nil }, Print: func(w io.Writer, r any) {
			for i, l := range r.([]string) {
				fmt.Fprintf(w, "%d: '%s'\n", i, l)
			}
		}},
		{QMP: "query-current-machine", Returns: oneMachine{}, Run: func(*Call) (any, error) { return oneMachine{true}, nil }},
		{QMP: "query-machines", Returns: []machineInfo{}, Run: func(c *Call) (any, error) {
			return []machineInfo{{Name: c.Machine(), Alias: "pc", IsDefault: true, CPUMax: 255, CPUType: "qemu64-x86_64-cpu", RAMID: "ram"}}, nil
		}},
		{QMP: "query-cpu-definitions", Returns: []cpuModel{}, Run: func(*Call) (any, error) {
			return []cpuModel{{Name: "max", TypeName: "max-x86_64-cpu", Unavailable: []string{}}, {Name: "qemu64", TypeName: "qemu64-x86_64-cpu", Unavailable: []string{}, Safe: true}}, nil
		}},
		{QMP: "query-target", Returns: struct {
			Arch string `json:"arch"`
		}{}, Run: func(*Call) (any, error) { return map[string]string{"arch": "x86_64"}, nil }},
		{HMP: "info memory_size_summary", QMP: "query-memory-size-summary", Help: "how much memory there is", Returns: memorySize{}, Run: func(c *Call) (any, error) {
			return memorySize{Base: int64(c.MemorySize())}, nil
		}, Print: func(w io.Writer, r any) {
			fmt.Fprintf(w, "base memory: %d\nplugged memory: 0\n", r.(memorySize).Base)
		}},
	}
}

func printKVM(w io.Writer, r any) {
	switch k := r.(KVMInfo); {
	case k.Enabled:
		io.WriteString(w, "kvm support: enabled\n")
	case k.Present:
		io.WriteString(w, "kvm support: disabled\n")
	default:
		io.WriteString(w, "kvm support: not compiled\n")
	}
}

func runCPUs(c *Call) (any, error) {
	all := []CPUInfo{}
	for i := range c.CPUs() {
		all = append(all, CPUInfo{Index: int64(i), Path: cpuPath(i), ThreadID: int64(c.ThreadID(i)), Props: CPUProps{Socket: int64(i)}, Target: "x86_64"})
	}
	return all, nil
}

// printCPUs marks the one that "cpu" has chosen.
func printCPUs(s *Session, w io.Writer, r any) {
	for _, p := range r.([]CPUInfo) {
		mark := ' '
		if int(p.Index) == s.CPU {
			mark = '*'
		}
		fmt.Fprintf(w, "%c CPU #%d: thread_id=%d\n", mark, p.Index, p.ThreadID)
	}
}

func runCPU(c *Call) (any, error) {
	n := c.Int("index", -1)
	if n < 0 || n >= int64(c.CPUs()) {
		return nil, errorf(GenericError, "invalid CPU index")
	}
	c.Session.CPU = int(n)
	return nil, nil
}

// inspected is the text that devices print of themselves; the first that is there.
func inspected(c *Call, devices ...string) (string, error) {
	var b strings.Builder
	if !slices.ContainsFunc(devices, func(d string) bool { return c.Inspect(&b, d) }) {
		return "", errorf(DeviceNotFound, "this machine has no %s of ours", devices[0])
	}
	return b.String(), nil
}
