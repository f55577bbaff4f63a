package monitor

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
)

func screenCommands() []*Command {
	formats := []string{"ppm", "png"}
	return []*Command{
		{HMP: "screendump", Params: []Param{{Name: "filename", Type: File}, {Name: "flag", Type: Flag, Letter: 'f'}, {Name: "format", Optional: true, Values: formats},
			{Name: "device", Optional: true, Complete: func(c Control) []string { return c.ScreenNames() }}, {Name: "head", Type: Int, Optional: true}},
			Help: "write a screen to a file: screendump FILE [-f png|ppm] [DEVICE [HEAD]]", Run: runScreendumpHMP},
		{QMP: "screendump", Params: []Param{{Name: "filename", Type: File}, {Name: "device", Optional: true}, {Name: "head", Type: Int, Optional: true}, {Name: "format", Optional: true, Values: formats}}, Run: runScreendump},
		{QMP: "query-display-options", Returns: struct {
			Type string `json:"type"`
		}{}, Run: func(c *Call) (any, error) { return map[string]string{"type": c.DisplayType()}, nil }},
	}
}

// runScreendumpHMP sorts out the words after the file: the format comes after -f; without it a first word that is no format is the device. A file's name ending in
// .png will do, too.
func runScreendumpHMP(c *Call) (any, error) {
	f := c.Str("format")
	if f != "" && !c.Bool("flag") && f != "png" && f != "ppm" && !c.Has("head") {
		if c.Has("device") {
			return nil, errorf(GenericError, "Invalid parameter '%s': formats are png and ppm", f)
		}
		c.Args["device"], f = f, ""
		delete(c.Args, "format")
	}
	if f == "" && strings.HasSuffix(c.Str("filename"), ".png") {
		c.Args["format"] = "png"
	}
	return runScreendump(c)
}

// runScreendump writes the file whole or leaves none.
func runScreendump(c *Call) (any, error) {
	name, format := c.Str("filename"), c.Str("format")
	if format == "" {
		format = "ppm"
	}
	if format != "png" && format != "ppm" {
		return nil, errorf(GenericError, "Invalid parameter '%s': formats are png and ppm", format)
	}
	if c.Has("head") && !c.Has("device") {
		return nil, errorf(GenericError, "'head' must be specified together with 'device'")
	}
	return nil, writeFile(name, func(w io.Writer) error { return c.Screendump(w, format, c.Str("device"), int(c.Int("head", 0))) })
}

// writeFile makes a file, or leaves none if what writes it fails.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return errorf(GenericError, "Could not open '%s': %v", name, err)
	}
	w := bufio.NewWriter(f)
	err = write(w)
	if err == nil {
		err = w.Flush()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(name)
	}
	return generic(err)
}
