package k8stest

import (
	"fmt"
	"strconv"
	"strings"
)

// object is one rendered manifest.
type object struct {
	m map[string]any
	// from is the target that it was rendered by.
	from string
}

// String names it for a fault.
func (o object) String() string {
	return fmt.Sprintf("%s: %s %s", o.from, o.kind(), o.name())
}

func (o object) kind() string      { return o.text("kind") }
func (o object) name() string      { return o.text("metadata.name") }
func (o object) namespace() string { return o.text("metadata.namespace") }

// at follows a path of names separated by dots; [n] is an element. Names that hold
// dots themselves are the caller's business (see value).
func (o object) at(path string) any { return at(o.m, path) }

func at(v any, path string) any {
	for _, step := range strings.Split(path, ".") {
		name, index, isIndex := strings.Cut(step, "[")
		if name != "" {
			m, ok := v.(map[string]any)
			if !ok {
				return nil
			}
			v = m[name]
		}
		if isIndex {
			var i int
			list, ok := v.([]any)
			if _, err := fmt.Sscanf(index, "%d]", &i); err != nil || !ok || i >= len(list) {
				return nil
			}
			v = list[i]
		}
	}
	return v
}

// value is an entry of a map whose keys hold dots, such as labels.
func value(v any, key string) string {
	m, _ := v.(map[string]any)
	s, _ := m[key].(string)
	return s
}

func (o object) text(path string) string { return text(o.m, path) }

func text(v any, path string) string {
	if got := at(v, path); got != nil {
		return fmt.Sprint(got)
	}
	return ""
}

func (o object) number(path string) int { return number(o.m, path) }

// number is an integer; -1 if there is none.
func number(v any, path string) int {
	n, err := strconv.Atoi(text(v, path))
	if err != nil {
		return -1
	}
	return n
}

func (o object) list(path string) []any { return list(o.m, path) }

func list(v any, path string) []any {
	l, _ := at(v, path).([]any)
	return l
}

func (o object) labels() map[string]any      { return dict(o.m, "metadata.labels") }
func (o object) annotations() map[string]any { return dict(o.m, "metadata.annotations") }

func dict(v any, path string) map[string]any {
	m, _ := at(v, path).(map[string]any)
	return m
}

// pod is the template of the object's pods, nil if it has none.
func (o object) pod() map[string]any {
	switch o.kind() {
	case "StatefulSet", "Deployment", "DaemonSet", "Job":
		return dict(o.m, "spec.template")
	}
	return nil
}

// kind filters.
func (r rendered) kind(kinds ...string) (out []object) {
	for _, o := range r.objects {
		for _, k := range kinds {
			if o.kind() == k {
				out = append(out, o)
			}
		}
	}
	return out
}

// all is every object of every target, of these kinds.
func (s site) all(kinds ...string) (out []object) {
	for _, r := range s.targets {
		out = append(out, r.kind(kinds...)...)
	}
	return out
}

// at is a target by its name.
func (s site) at(name string) rendered {
	for _, r := range s.targets {
		if r.name() == name {
			return r
		}
	}
	return rendered{}
}

// one is the only object of its kind and name in a target, nil without.
func (r rendered) one(kind, name string) object {
	for _, o := range r.kind(kind) {
		if o.name() == name {
			return o
		}
	}
	return object{map[string]any{}, r.name()}
}

// pods are all objects with a pod template.
func (s site) pods() []object { return s.all("StatefulSet", "Deployment", "DaemonSet", "Job") }

// env is a container's environment: name to the entry.
func env(container any) map[string]map[string]any {
	out := map[string]map[string]any{}
	for _, e := range list(container, "env") {
		out[text(e, "name")], _ = e.(map[string]any)
	}
	return out
}

// faults collects what a check finds.
type faults []string

func (f *faults) add(bad bool, format string, args ...any) {
	if bad {
		*f = append(*f, fmt.Sprintf(format, args...))
	}
}
