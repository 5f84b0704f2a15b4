package k8stest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// target is one thing that somebody applies.
type target struct {
	// path is the kustomization, relative to k8s; with components it is made up here.
	path       string
	components []string
	// versions of Kubernetes whose schemas it must pass.
	versions []string
}

func (t target) name() string { return strings.Join(append([]string{t.path}, t.components...), "+") }

const (
	oldest  = "1.25.0" // Strimzi 0.44 needs it
	v127    = "1.27.0"
	v130    = "1.30.0" // Strimzi 1.x and ValidatingAdmissionPolicy need it
	newest  = "1.31.0" // what 0.44 was tested with
	current = "1.35.0"
)

// targets are all of them; TestEveryKustomizationIsRendered sees that none is missing.
func targets() []target {
	both := []string{oldest, newest}
	apps := func(overlay string, versions []string, components ...string) target {
		for i, c := range components {
			components[i] = "apps/components/" + c
		}
		return target{"apps/overlays/" + overlay, components, versions}
	}
	return []target{
		{"kafka/base", nil, both},
		{"kafka/overlays/dev", nil, both},
		{"kafka/overlays/current", nil, []string{v130, current}},
		{"kafka/dns-check", nil, both},
		{"producer", nil, both},
		{"monitoring", nil, both},
		{"rescue/deploy", nil, append(both, current)},
		{"rescue/deploy", []string{"rescue/clean-volumes"}, both},
		apps("local-pv", both), apps("ephemeral", both), apps("dev", both),
		apps("local-pv", both, "podmonitor"),
		apps("local-pv", both, "hpa"),
		apps("local-pv", both, "keda"),
		apps("local-pv", []string{v127, newest}, "k8s-1.27"),
		apps("ephemeral", []string{v127, newest}, "k8s-1.27"),
		apps("local-pv", []string{v130, newest}, "deny-nfs"),
		apps("local-pv", []string{current}, "k8s-1.35"),
		apps("local-pv", []string{current}, "podmonitor", "keda", "k8s-1.27", "k8s-1.35", "deny-nfs"),
		apps("ephemeral", []string{current}, "podmonitor", "hpa", "k8s-1.27", "k8s-1.35"),
	}
}

// source is the k8s folder in memory, where faults can be planted.
type source map[string]string

// folder is the real one, read once; nobody changes it.
var folder = sync.OnceValues(func() (source, error) {
	out := source{}
	err := filepath.WalkDir("..", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel("..", p)
		if err != nil {
			return err
		}
		if d.IsDir() && (name == "test" || strings.HasPrefix(name, "rescue/internal")) {
			return fs.SkipDir
		}
		if d.IsDir() {
			return nil
		}
		b, err := os.ReadFile(p)
		out[filepath.ToSlash(name)] = string(b)
		return err
	})
	return out, err
})

// with is the folder with one file changed.
func (s source) with(name, content string) source {
	out := maps.Clone(s)
	out[name] = content
	return out
}

// recorder notes which files a rendering has read.
type recorder struct {
	filesys.FileSystem
	read map[string]bool
}

func (r recorder) ReadFile(file string) ([]byte, error) {
	b, err := r.FileSystem.ReadFile(file)
	if err == nil {
		r.read[strings.TrimPrefix(strings.TrimPrefix(file, "/"), "k8s/")] = true
	}
	return b, err
}

// rendered is what one target came to.
type rendered struct {
	target
	objects []object
	// read are the files that it was made of.
	read map[string]bool
}

// render builds one target.
func (s source) render(t target) (rendered, error) {
	mem := filesys.MakeFsInMemory()
	for name, content := range s {
		if err := mem.WriteFile("/k8s/"+name, []byte(content)); err != nil {
			return rendered{}, err
		}
	}
	dir := "/k8s/" + t.path
	if len(t.components) > 0 {
		dir = "/k8s/rendering"
		made := "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../" + t.path + "]\ncomponents:\n"
		for _, c := range t.components {
			made += "  - ../" + c + "\n"
		}
		if err := mem.WriteFile(dir+"/kustomization.yaml", []byte(made)); err != nil {
			return rendered{}, err
		}
	}
	rec := recorder{mem, map[string]bool{}}
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(rec, dir)
	if err != nil {
		return rendered{}, fmt.Errorf("%s does not render: %w", t.name(), err)
	}
	out := rendered{target: t, read: rec.read}
	for _, r := range resources.Resources() {
		b, err := r.MarshalJSON()
		if err != nil {
			return out, err
		}
		m, decoder := map[string]any{}, json.NewDecoder(bytes.NewReader(b))
		decoder.UseNumber() // a float would print log.segment.bytes as 1.07e+09
		if err := decoder.Decode(&m); err != nil {
			return out, err
		}
		out.objects = append(out.objects, object{m, t.name()})
	}
	return out, nil
}

// site is everything rendered, with the files that are no manifests.
type site struct {
	source  source
	targets []rendered
}

// whole renders the folder as it is; nobody changes what it returns.
var whole = sync.OnceValues(func() (site, error) {
	s, err := folder()
	if err != nil {
		return site{}, err
	}
	out := site{source: s}
	for _, t := range targets() {
		r, err := s.render(t)
		if err != nil {
			return out, err
		}
		out.targets = append(out.targets, r)
	}
	return out, nil
})

// healthy is the site without a fault.
func healthy(t *testing.T) site {
	t.Helper()
	s, err := whole()
	require.NoError(t, err)
	return s
}

// changed renders again what a changed file is part of, with components only where the
// file is one of theirs: it saves two renderings of three. A rendering that fails is a
// fault by itself, and is returned as one.
func (s site) changed(name, content string) (site, []string) {
	out := site{source: s.source.with(name, content)}
	var faults []string
	for _, old := range s.targets {
		if !old.read[name] {
			out.targets = append(out.targets, old)
			continue
		}
		if len(old.components) > 0 && !slices.Contains(old.components, path.Dir(name)) {
			continue
		}
		r, err := out.source.render(old.target)
		if err != nil {
			faults = append(faults, err.Error())
			continue
		}
		out.targets = append(out.targets, r)
	}
	return out, faults
}

// TestEveryKustomizationIsRendered: what nobody renders, nobody checks.
func TestEveryKustomizationIsRendered(t *testing.T) {
	t.Parallel()
	s := healthy(t)
	read := map[string]bool{}
	for _, r := range s.targets {
		maps.Copy(read, r.read)
		require.NotEmpty(t, r.objects, r.name())
	}
	for _, name := range slices.Sorted(maps.Keys(s.source)) {
		manifest := strings.HasSuffix(name, ".yaml") && !strings.HasPrefix(name, "operator/")
		if manifest || strings.HasPrefix(name, "monitoring/dashboards/") {
			require.True(t, read[name], "%s is part of no target: add it to targets()", name)
		}
	}
}
