package monitor

// CommandInfo is a line of query-commands.
type CommandInfo struct {
	Name string `json:"name"`
}

// protocolCommands are those about the monitor itself. What QMP alone can do, qmp does: qmp_capabilities and human-monitor-command.
func protocolCommands(t *Table) []*Command {
	return []*Command{
		{QMP: "qmp_capabilities", Params: []Param{{Name: "enable", Type: JSON, Of: []string{}, Optional: true}}},
		{QMP: "human-monitor-command", Params: []Param{{Name: "command-line"}, {Name: "cpu-index", Type: Int, Optional: true}}, Returns: ""},
		{QMP: "query-commands", Returns: []CommandInfo{}, Run: func(*Call) (any, error) {
			all := []CommandInfo{}
			t.All(func(c *Command) {
				if c.QMP != "" {
					all = append(all, CommandInfo{c.QMP})
				}
			})
			return all, nil
		}},
		{QMP: "query-qmp-schema", Returns: []any{}, Run: func(*Call) (any, error) { return t.Schema(), nil }},
	}
}
