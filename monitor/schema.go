package monitor

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// enum is a string type with a closed set of values.
type enum interface{ Values() []string }

// union is an object whose members depend on one of them: the tag.
type union interface {
	tag() string
	cases() map[string]any // by the tag's value: a struct with the further members
}

func enumOf(t reflect.Type) []string {
	if e, ok := reflect.Zero(t).Interface().(enum); ok {
		return e.Values()
	}
	return nil
}

// member is a field as JSON shows it.
type member struct {
	name     string
	typ      reflect.Type
	optional bool
}

func membersOf(t reflect.Type) (all []member) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			all = append(all, membersOf(f.Type)...)
		case name != "-" && name != "":
			all = append(all, member{name, f.Type, opts == "omitempty"})
		}
	}
	return all
}

// SchemaInfo is a line of query-qmp-schema's result: a command, event, array or built-in type.
type SchemaInfo struct {
	Name        string `json:"name"`
	MetaType    string `json:"meta-type"`
	ArgType     string `json:"arg-type,omitempty"`
	RetType     string `json:"ret-type,omitempty"`
	JSONType    string `json:"json-type,omitempty"`
	ElementType string `json:"element-type,omitempty"`
}

// SchemaVariant is one case of a union.
type SchemaVariant struct {
	Case string `json:"case"`
	Type string `json:"type"`
}

// schemaMember is a member that must be there; optionalMember need not.
type schemaMember struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

type optionalMember struct {
	schemaMember
	Default any `json:"default"` // null: there is none to be told
}

// schema collects types and gives them names: numbers, as QEMU does, since the names are no part of the protocol.
type schema struct {
	names map[reflect.Type]string
	next  int
	infos []any
}

// enumInfo describes an enum.
type enumInfo struct {
	Name     string         `json:"name"`
	MetaType string         `json:"meta-type"`
	Values   []string       `json:"values"`
	Members  []schemaValues `json:"members"`
}

type schemaValues struct {
	Name string `json:"name"`
}

// objectInfo describes an object; its members are there even where there are none.
type objectInfo struct {
	Name     string          `json:"name"`
	MetaType string          `json:"meta-type"`
	Members  []any           `json:"members"`
	Tag      string          `json:"tag,omitempty"`
	Variants []SchemaVariant `json:"variants,omitempty"`
}

// Schema describes every command and event as query-qmp-schema does, made from the types that the commands take and return.
func (t *Table) Schema() []any {
	s := &schema{names: map[reflect.Type]string{}}
	empty := s.number()
	s.infos = append(s.infos, objectInfo{Name: empty, MetaType: "object", Members: []any{}})
	for _, c := range t.commands {
		if c.QMP == "" {
			continue
		}
		ret := empty
		if c.Returns != nil {
			ret = s.typeOf(reflect.TypeOf(c.Returns))
		}
		s.infos = append(s.infos, SchemaInfo{Name: c.QMP, MetaType: "command", ArgType: s.params(c, empty), RetType: ret})
	}
	for _, e := range events() {
		arg := empty
		if e.data != nil {
			arg = s.typeOf(reflect.TypeOf(e.data))
		}
		s.infos = append(s.infos, SchemaInfo{Name: e.name, MetaType: "event", ArgType: arg})
	}
	for _, b := range [][2]string{{"str", "string"}, {"int", "int"}, {"number", "number"}, {"bool", "boolean"}, {"any", "value"}, {"null", "null"}} {
		s.infos = append(s.infos, SchemaInfo{Name: b[0], MetaType: "builtin", JSONType: b[1]})
	}
	return s.infos
}

func (s *schema) number() string {
	s.next++
	return strconv.Itoa(s.next - 1)
}

func (s *schema) params(c *Command, empty string) string {
	if len(c.Params) == 0 {
		return empty
	}
	var members []any
	for i := range c.Params {
		p := &c.Params[i]
		name := s.enum(p.Values)
		if name == "" {
			name = s.typeOf(p.goType())
		}
		members = append(members, memberInfo(p.Name, name, p.Optional || p.Type == Flag))
	}
	name := s.number()
	s.infos = append(s.infos, objectInfo{Name: name, MetaType: "object", Members: members})
	return name
}

func memberInfo(name, typ string, optional bool) any {
	m := schemaMember{name, typ}
	if optional {
		return optionalMember{m, nil}
	}
	return m
}

// typeOf names a type, describing it if that has not been done.
func (s *schema) typeOf(t reflect.Type) string {
	switch {
	case t.Kind() == reflect.Pointer:
		return s.typeOf(t.Elem())
	case t.Kind() == reflect.Interface:
		return "any"
	case t.Kind() == reflect.Bool:
		return "bool"
	case t.Kind() == reflect.Float64:
		return "number"
	case t.Kind() == reflect.String && enumOf(t) == nil:
		return "str"
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64:
		return "int"
	}
	if n, ok := s.names[t]; ok {
		return n
	}
	switch t.Kind() {
	case reflect.String:
		s.names[t] = s.enum(enumOf(t))
	case reflect.Slice:
		e := s.typeOf(t.Elem())
		s.names[t] = "[" + e + "]"
		s.infos = append(s.infos, SchemaInfo{Name: "[" + e + "]", MetaType: "array", ElementType: e})
	case reflect.Struct:
		s.object(t)
	default:
		panic("monitor: " + t.String() + " has no place in the schema") // a mistake in the table, which the tests find
	}
	return s.names[t]
}

func (s *schema) enum(words []string) string {
	if len(words) == 0 {
		return ""
	}
	name := s.number()
	info := enumInfo{Name: name, MetaType: "enum", Values: words}
	for _, w := range words {
		info.Members = append(info.Members, schemaValues{w})
	}
	s.infos = append(s.infos, info)
	return name
}

func (s *schema) object(t reflect.Type) {
	name := s.number()
	s.names[t] = name
	info := objectInfo{Name: name, MetaType: "object", Members: []any{}}
	for _, f := range membersOf(t) {
		info.Members = append(info.Members, memberInfo(f.name, s.typeOf(f.typ), f.optional))
	}
	if u, ok := reflect.Zero(t).Interface().(union); ok {
		info.Tag = u.tag()
		for k, of := range u.cases() {
			info.Variants = append(info.Variants, SchemaVariant{k, s.typeOf(reflect.TypeOf(of))})
		}
		slices.SortFunc(info.Variants, func(a, b SchemaVariant) int { return cmp.Compare(a.Case, b.Case) })
	}
	s.infos = append(s.infos, info)
}
