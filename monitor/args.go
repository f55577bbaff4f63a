package monitor

import (
	"encoding/json"
	"reflect"
	"strconv"
)

// Args are the arguments of one call, by parameter name.
type Args map[string]any

// Str is a string argument; "" when absent.
func (a Args) Str(name string) string { s, _ := a[name].(string); return s }

// Has reports whether an argument is there.
func (a Args) Has(name string) bool { _, ok := a[name]; return ok }

// Int is a number; def when absent.
func (a Args) Int(name string, def int64) int64 {
	switch v := a[name].(type) {
	case int64:
		return v
	case json.Number:
		n, _ := integer(v)
		return n
	}
	return def
}

// Bool is a switch; false when absent.
func (a Args) Bool(name string) bool { b, _ := a[name].(bool); return b }

// Decode fills a value of Go's with a JSON argument, which Check has passed.
func (a Args) Decode(name string, into any) error {
	b, err := json.Marshal(a[name])
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	return generic(err)
}

// integer reads a JSON number as QAPI's int does: 64 bits, with or without a sign.
func integer(n json.Number) (int64, bool) {
	if v, err := n.Int64(); err == nil {
		return v, true
	}
	u, err := strconv.ParseUint(n.String(), 10, 64)
	return int64(u), err == nil
}

// Check compares QMP's arguments with the parameters.
func Check(cmd *Command, args map[string]any) error {
	known := map[string]bool{}
	for i := range cmd.Params {
		p := &cmd.Params[i]
		known[p.Name] = true
		v, there := args[p.Name]
		if !there {
			if !p.Optional && p.Type != Flag {
				return errorf(GenericError, "Parameter '%s' is missing", p.Name)
			}
			continue
		}
		if err := checkValue(p.Name, p.goType(), v); err != nil {
			return err
		}
		if len(p.Values) > 0 && !contains(p.Values, v.(string)) {
			return notAccepted(p.Name, v)
		}
	}
	for name := range args {
		if !known[name] && !cmd.Open {
			return errorf(GenericError, "Parameter '%s' is unexpected", name)
		}
	}
	return nil
}

func contains(words []string, w string) bool {
	for _, x := range words {
		if x == w {
			return true
		}
	}
	return false
}

func notAccepted(name string, v any) error {
	return errorf(GenericError, "Parameter '%s' does not accept value '%v'", name, v)
}

// goType is the type of Go's that stands for a parameter.
func (p *Param) goType() reflect.Type {
	switch p.Type {
	case Int:
		return reflect.TypeFor[int64]()
	case Bool, Flag:
		return reflect.TypeFor[bool]()
	case JSON:
		return reflect.TypeOf(p.Of)
	}
	return reflect.TypeFor[string]()
}

func wrongType(name, want string) error {
	return errorf(GenericError, "Invalid parameter type for '%s', expected: %s", name, want)
}

// checkValue compares a JSON value with a type, all the way down.
func checkValue(name string, t reflect.Type, v any) error {
	if t == nil || t.Kind() == reflect.Interface {
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return checkValue(name, t.Elem(), v)
	case reflect.Bool:
		if _, ok := v.(bool); !ok {
			return wrongType(name, "boolean")
		}
	case reflect.String:
		s, ok := v.(string)
		if !ok {
			return wrongType(name, "string")
		}
		if words := enumOf(t); words != nil && !contains(words, s) {
			return notAccepted(name, s)
		}
	case reflect.Slice:
		list, ok := v.([]any)
		if !ok {
			return wrongType(name, "array")
		}
		for _, x := range list {
			if err := checkValue(name, t.Elem(), x); err != nil {
				return err
			}
		}
	case reflect.Struct:
		return checkObject(name, t, v)
	case reflect.Float64:
		if _, ok := v.(json.Number); !ok {
			return wrongType(name, "number")
		}
	default:
		n, ok := v.(json.Number)
		if ok {
			_, ok = integer(n)
		}
		if !ok {
			return wrongType(name, "integer")
		}
	}
	return nil
}

func checkObject(name string, t reflect.Type, v any) error {
	m, ok := v.(map[string]any)
	if !ok {
		return wrongType(name, "object")
	}
	fields := membersOf(t)
	if u, ok := reflect.Zero(t).Interface().(union); ok {
		tag := u.tag()
		kind, ok := m[tag].(string)
		if !ok {
			return errorf(GenericError, "Parameter '%s' is missing", tag)
		}
		of, ok := u.cases()[kind]
		if !ok {
			return notAccepted(tag, kind)
		}
		fields = append(fields, membersOf(reflect.TypeOf(of))...)
	}
	known := map[string]bool{}
	for _, f := range fields {
		known[f.name] = true
		x, there := m[f.name]
		if !there {
			if !f.optional {
				return errorf(GenericError, "Parameter '%s' is missing", f.name)
			}
			continue
		}
		if err := checkValue(f.name, f.typ, x); err != nil {
			return err
		}
	}
	for k := range m {
		if !known[k] {
			return errorf(GenericError, "Parameter '%s' is unexpected", k)
		}
	}
	return nil
}
