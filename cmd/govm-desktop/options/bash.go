package options

import (
	"fmt"
	"strings"
)

// bashHead is the part of the completions that is the same for every table. A word is completed from its last comma on: to a property's name, or from its
// "=" on to a value. bash cuts words at "=" and ":" (COMP_WORDBREAKS), so that the answers must not repeat what stands before these.
const bashHead = `# Completions of %[1]s for bash; made by %[1]s -print bash.
_%[2]s() {
	local line=${COMP_LINE:0:COMP_POINT} cur prev part head key kind
	cur=${line##*[[:space:]]}
	prev=${line%%"$cur"}
	prev=${prev%%"${prev##*[![:space:]]}"}
	prev=${prev##*[[:space:]]}
	prev=${prev/#--/-}
	COMPREPLY=()
	if [[ -z ${_%[2]s_arg[$prev]+x} ]]; then
		if [[ $cur == -* ]]; then
			COMPREPLY=($(compgen -W "$_%[2]s_options" -- "$cur"))
		else
			compopt -o filenames 2>/dev/null
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		fi
		return
	fi
	part=${cur##*,}
	head=${cur%%"$part"}
	if [[ $part == *=* ]]; then
		key=${part%%%%=*}
		part=${part#*=}
		head=
		kind=${cur%%%%,*}
		kind=${kind#*=}
		case "${_%[2]s_value[$prev,$kind,$key]-${_%[2]s_value[$prev,,$key]-}}" in
		@file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$part") ;;
		*) COMPREPLY=($(compgen -W "${_%[2]s_value[$prev,$kind,$key]-${_%[2]s_value[$prev,,$key]-}}" -- "$part")) ;;
		esac
	else
		kind=${cur%%%%,*}
		if [[ $cur != *,* ]]; then
			COMPREPLY=($(compgen -W "${_%[2]s_first[$prev]-}" -- "$part"))
			if [[ ${_%[2]s_arg[$prev]} == @file ]]; then
				compopt -o filenames 2>/dev/null
				mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$part")
			fi
		fi
		COMPREPLY+=($(compgen -W "${_%[2]s_key[$prev,$kind]-${_%[2]s_key[$prev,]-}}" -P "$head" -- "$part"))
	fi
	[[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
	local last=${cur%%"${cur##*[=:]}"}
	[[ $part != "$cur" && -z $head ]] || COMPREPLY=("${COMPREPLY[@]#"$last"}")
}
`

// Bash is the completions for the shell.
func (t *Table[T]) Bash() string {
	var b strings.Builder
	id := strings.ReplaceAll(t.Program, "-", "_")
	fmt.Fprintf(&b, bashHead, t.Program, id)
	var names, arg, first, key, value []string
	add := func(to *[]string, k, v string) { *to = append(*to, "["+quote(k)+"]="+quote(v)) }
	t.parts(func(_ string, of []*Option[T]) {
		for _, o := range of {
			for _, n := range append([]string{o.Name}, o.Also...) {
				dash := "-" + n
				names = append(names, dash)
				if o.Arg == "" {
					continue
				}
				files := ""
				if o.Files {
					files = "@file"
				}
				add(&arg, dash, files)
				if w := o.firstWords(); len(w) > 0 {
					add(&first, dash, strings.Join(w, " "))
				}
				completeKeys(dash, "", o.Keys, add, &key, &value)
				for _, k := range o.Kinds {
					completeKeys(dash, k.Name, append([]Key{{Name: "id"}}, k.Keys...), add, &key, &value)
				}
			}
		}
	})
	fmt.Fprintf(&b, "_%s_options=%s\n", id, quote(strings.Join(names, " ")))
	for _, a := range []struct {
		name string
		of   []string
	}{{"arg", arg}, {"first", first}, {"key", key}, {"value", value}} {
		fmt.Fprintf(&b, "declare -gA _%s_%s=(\n\t%s\n)\n", id, a.name, strings.Join(a.of, "\n\t"))
	}
	fmt.Fprintf(&b, "complete -F _%s %s\n", id, t.Program)
	return b.String()
}

// firstWords are what may stand at the beginning of an argument.
func (o *Option[T]) firstWords() (words []string) {
	words = append(words, o.Values...)
	for _, k := range o.Kinds {
		words = append(words, k.Name)
	}
	for _, k := range o.Keys {
		if k.Name == o.Implied {
			words = append(words, k.Values...)
		}
	}
	if o.List != nil || len(o.Kinds) > 0 || len(o.Keys) > 0 {
		words = append(words, "help")
	}
	return words
}

func completeKeys(option, kind string, keys []Key, add func(*[]string, string, string), key, value *[]string) {
	var names []string
	for _, k := range keys {
		names = append(names, k.Name+"=")
		words := strings.Join(k.Values, " ")
		switch {
		case words != "":
		case k.Type == Bool:
			words = "on off"
		case k.Type == File:
			words = "@file"
		default:
			continue
		}
		add(value, option+","+kind+","+k.Name, words)
	}
	if len(names) > 0 {
		add(key, option+","+kind, strings.Join(names, " "))
	}
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
