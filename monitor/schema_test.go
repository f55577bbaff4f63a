package monitor_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"govm-desktop/monitor"
	"govm-desktop/monitor/qmp"
)

// TestSchema_matches compares what commands return with what query-qmp-schema says of it, and looks for every type that is named.
func TestSchema_matches(t *testing.T) {
	table := monitor.NewTable()
	b, err := json.Marshal(table.Schema())
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]any
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	types := map[string]map[string]any{}
	for _, e := range all {
		if types[e["name"].(string)] != nil {
			t.Errorf("%v is there twice", e["name"])
		}
		types[e["name"].(string)] = e
	}
	s := schemaCheck{t, types}
	for _, e := range all {
		s.named(e)
	}
	for line, name := range map[string]string{`{"execute":"query-status"}`: "query-status", `{"execute":"query-block"}`: "query-block", `{"execute":"query-blockstats"}`: "query-blockstats",
		`{"execute":"query-pci"}`: "query-pci", `{"execute":"query-vnc"}`: "query-vnc", `{"execute":"query-vnc-servers"}`: "query-vnc-servers", `{"execute":"query-cpus-fast"}`: "query-cpus-fast",
		`{"execute":"query-chardev"}`: "query-chardev", `{"execute":"query-mice"}`: "query-mice", `{"execute":"query-version"}`: "query-version", `{"execute":"query-machines"}`: "query-machines",
		`{"execute":"query-named-block-nodes"}`: "query-named-block-nodes", `{"execute":"query-commands"}`: "query-commands", `{"execute":"query-spice"}`: "query-spice", `{"execute":"x-query-irq"}`: "x-query-irq",
		`{"execute":"qom-list","arguments":{"path":"/machine"}}`: "qom-list", `{"execute":"device-list-properties","arguments":{"typename":"lamp"}}`: "device-list-properties",
		`{"execute":"trace-event-get-state","arguments":{"name":"*"}}`: "trace-event-get-state", `{"execute":"human-monitor-command","arguments":{"command-line":"help"}}`: "human-monitor-command",
		`{"execute":"query-display-options"}`: "query-display-options", `{"execute":"query-target"}`: "query-target", `{"execute":"query-cpu-definitions"}`: "query-cpu-definitions"} {
		var out bytes.Buffer
		q := &qmp.Server{Table: table, Control: &fake{status: "running"}}
		if err := q.Serve(rw{strings.NewReader(`{"execute":"qmp_capabilities"}` + line), &out}); err != nil {
			t.Fatal(err)
		}
		lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
		var answer map[string]any
		if err := json.Unmarshal(lines[len(lines)-1], &answer); err != nil {
			t.Fatal(err)
		}
		s.value(name, types[name]["ret-type"].(string), answer["return"])
	}
}

type schemaCheck struct {
	t     *testing.T
	types map[string]map[string]any
}

// named complains of types that are not described.
func (s schemaCheck) named(e map[string]any) {
	for _, k := range []string{"arg-type", "ret-type", "element-type", "type"} {
		if n, ok := e[k].(string); ok && s.types[n] == nil {
			s.t.Errorf("%v: no type is called %q", e["name"], n)
		}
	}
	for _, k := range []string{"members", "variants"} {
		list, _ := e[k].([]any)
		for _, x := range list {
			s.named(x.(map[string]any))
		}
	}
}

func (s schemaCheck) value(path, typ string, v any) {
	e := s.types[typ]
	bad := func() { s.t.Errorf("%s: %v (%T) is no %v", path, v, v, e) }
	switch e["meta-type"] {
	case "builtin":
		ok := map[string]bool{"str": false, "int": false, "bool": false, "any": true}[typ]
		switch v.(type) {
		case string:
			ok = typ == "str"
		case float64:
			ok = typ == "int"
		case bool:
			ok = typ == "bool"
		}
		if !ok {
			bad()
		}
	case "enum":
		if !slices.Contains(e["values"].([]any), v) {
			bad()
		}
	case "array":
		list, ok := v.([]any)
		if !ok {
			bad()
		}
		for _, x := range list {
			s.value(path+"[]", e["element-type"].(string), x)
		}
	case "object":
		m, ok := v.(map[string]any)
		if !ok {
			bad()
		}
		known := map[string]bool{}
		for _, x := range e["members"].([]any) {
			f := x.(map[string]any)
			name := f["name"].(string)
			known[name] = true
			_, optional := f["default"]
			if got, there := m[name]; there {
				s.value(path+"."+name, f["type"].(string), got)
			} else if !optional {
				s.t.Errorf("%s: %s is missing", path, name)
			}
		}
		for k := range m {
			if !known[k] {
				s.t.Errorf("%s: %s is not in the schema", path, k)
			}
		}
	}
}
