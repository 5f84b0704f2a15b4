package k8stest

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/yannh/kubeconform/pkg/resource"
	"github.com/yannh/kubeconform/pkg/validator"
)

// validators are kubeconform's, one for each Kubernetes version: a schema is compiled
// once in a run.
var validators = sync.OnceValues(func() (map[string]validator.Validator, error) {
	out := map[string]validator.Validator{}
	for _, v := range []string{oldest, v127, v130, newest, current} {
		made, err := validator.New([]string{
			"schemas/{{ .NormalizedKubernetesVersion }}-standalone{{ .StrictSuffix }}/{{ .ResourceKind }}{{ .KindSuffix }}.json",
			"schemas/{{ .Group }}/{{ .ResourceKind }}_{{ .ResourceAPIVersion }}.json",
		}, validator.Opts{KubernetesVersion: v, Strict: true})
		if err != nil {
			return nil, err
		}
		out[v] = made
	}
	return out, nil
})

// schemas validates everything at its versions, strictly: an unknown field or kind is
// a fault.
func schemas(s site) (f faults) {
	vs, err := validators()
	if err != nil {
		return faults{err.Error()}
	}
	for _, r := range s.targets {
		for _, version := range r.versions {
			for _, o := range r.objects {
				f.add(!valid(vs[version], o, &f, version), "%s: invalid at %s", o, version)
			}
		}
	}
	return f
}

func valid(v validator.Validator, o object, f *faults, version string) bool {
	b, err := json.Marshal(o.m)
	if err != nil {
		f.add(true, "%s: %v", o, err)
		return false
	}
	got := v.ValidateResource(resource.Resource{Path: o.String(), Bytes: b})
	if got.Status == validator.Valid {
		return true
	}
	f.add(true, "%s at %s: %s", o, version, fmt.Sprint(got.Err))
	return false
}
