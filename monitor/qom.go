package monitor

import (
	"fmt"
	"io"
	"strings"
)

func qomCommands() []*Command {
	path := Param{Name: "path"}
	return []*Command{
		{HMP: "info qom-tree", Params: []Param{{Name: "path", Optional: true}}, Help: "the tree of objects", Run: runQOMTree, Print: printText},
		{HMP: "info qtree", Help: "the devices with their properties", Run: runQTree, Print: printText},
		{HMP: "qom-list", Params: []Param{{Name: "path", Optional: true}}, Help: "the properties of an object", Run: runQOMListHMP, Print: printQOMList},
		{QMP: "qom-list", Params: []Param{path}, Returns: []DeviceProperty{}, Run: runQOMList},
		{HMP: "qom-get", QMP: "qom-get", Params: []Param{path, {Name: "property"}}, Help: "a property's value", Returns: new(any), Run: runQOMGet, Print: printJSON},
		{HMP: "qom-set", Params: []Param{path, {Name: "property"}, {Name: "value"}}, Help: "change a property", Run: runQOMSet},
		{QMP: "qom-set", Params: []Param{path, {Name: "property"}, {Name: "value", Type: JSON, Of: new(any)}}, Run: runQOMSet},
	}
}

// at finds an object by its path.
func (o *Object) at(path string) *Object {
	for _, name := range strings.Split(path, "/") {
		if name == "" {
			continue
		}
		var next *Object
		for _, c := range o.Children {
			if c.Name == name {
				next = c
			}
		}
		if next == nil {
			return nil
		}
		o = next
	}
	return o
}

func object(c *Call, path string) (*Object, error) {
	if !strings.HasPrefix(path, "/") { // a partial path: the one object with that name
		path = "/machine/" + path
	}
	if o := c.Objects().at(path); o != nil {
		return o, nil
	}
	return nil, errorf(DeviceNotFound, "Device '%s' not found", c.Str("path"))
}

func runQOMList(c *Call) (any, error) {
	o, err := object(c, c.Str("path"))
	if err != nil {
		return nil, err
	}
	all := []DeviceProperty{{Name: "type", Type: "string"}}
	for _, p := range o.Properties {
		all = append(all, DeviceProperty{Name: p.Name, Type: p.Type})
	}
	for _, x := range o.Children {
		all = append(all, DeviceProperty{Name: x.Name, Type: "child<" + x.Type + ">"})
	}
	return all, nil
}

func runQOMListHMP(c *Call) (any, error) {
	if !c.Has("path") {
		c.Args["path"] = "/"
	}
	return runQOMList(c)
}

func printQOMList(w io.Writer, r any) {
	for _, p := range r.([]DeviceProperty) {
		fmt.Fprintf(w, "%s (%s)\n", p.Name, p.Type)
	}
}

// property finds an object's property; nil with an error where it is not.
func property(c *Call) (*Property, *Object, error) {
	o, err := object(c, c.Str("path"))
	if err != nil {
		return nil, nil, err
	}
	name := c.Str("property")
	if name == "type" {
		return &Property{Name: "type", Type: "string", Get: func() any { return o.Type }}, o, nil
	}
	for i := range o.Properties {
		if o.Properties[i].Name == name {
			return &o.Properties[i], o, nil
		}
	}
	return nil, o, errorf(GenericError, "Property '%s.%s' not found", o.Type, name)
}

func runQOMGet(c *Call) (any, error) {
	p, _, err := property(c)
	if err != nil {
		return nil, err
	}
	return p.Get(), nil
}

func printJSON(w io.Writer, r any) {
	if s, ok := r.(string); ok {
		fmt.Fprintf(w, "%q\n", s)
		return
	}
	fmt.Fprintln(w, r)
}

func runQOMSet(c *Call) (any, error) {
	p, o, err := property(c)
	if err != nil {
		return nil, err
	}
	if p.Set == nil {
		return nil, errorf(GenericError, "Property '%s.%s' is not writable", o.Type, p.Name)
	}
	return nil, generic(p.Set(c.Args["value"]))
}

func runQOMTree(c *Call) (any, error) {
	o := c.Objects().at("/machine")
	name := "/machine"
	if c.Has("path") {
		var err error
		if o, err = object(c, c.Str("path")); err != nil {
			return nil, err
		}
		name = c.Str("path")
	}
	var b strings.Builder
	o.print(&b, name, 0)
	return b.String(), nil
}

func (o *Object) print(w io.Writer, name string, depth int) {
	fmt.Fprintf(w, "%s%s (%s)\n", strings.Repeat("  ", depth), name, o.Type)
	for _, c := range o.Children {
		c.print(w, "/"+c.Name, depth+1)
	}
}

// runQTree shows the devices as buses hold them.
func runQTree(c *Call) (any, error) {
	var b strings.Builder
	b.WriteString("bus: main-system-bus\n  type System\n")
	if o := c.Objects().at("/machine"); o != nil {
		for _, d := range o.Children {
			d.device(&b, 1)
		}
	}
	return b.String(), nil
}

func (o *Object) device(w io.Writer, depth int) {
	in := strings.Repeat("  ", depth)
	fmt.Fprintf(w, "%sdev: %s, id %q\n", in, o.Type, o.Name)
	for _, p := range o.Properties {
		fmt.Fprintf(w, "%s  %s = ", in, p.Name)
		switch v := p.Get().(type) {
		case string:
			fmt.Fprintf(w, "%q\n", v)
		case int64:
			fmt.Fprintf(w, "%d (%#x)\n", v, v)
		default:
			fmt.Fprintln(w, v)
		}
	}
	for _, c := range o.Children {
		c.device(w, depth+1)
	}
}
