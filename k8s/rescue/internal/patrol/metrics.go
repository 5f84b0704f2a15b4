package patrol

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/millrace/millrace/k8s/rescue/internal/judge"
)

// Metrics count what the tool did, and show what it is holding back.
type Metrics struct {
	claims, pods, members *prometheus.CounterVec
	volumes, errors       prometheus.Counter
	pending               *prometheus.GaugeVec
}

// NewMetrics registers the tool's metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	perSet := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"statefulset"})
	}
	m := &Metrics{
		claims:  perSet("millrace_rescue_claims_deleted_total", "Claims deleted because the node of their volume is gone."),
		pods:    perSet("millrace_rescue_pods_deleted_total", "Pods deleted because the server made no new claim for them."),
		members: perSet("millrace_rescue_members_removed_total", "Static members removed from consumer groups."),
		volumes: prometheus.NewCounter(prometheus.CounterOpts{Name: "millrace_rescue_volumes_deleted_total", Help: "Abandoned volume objects deleted."}),
		errors:  prometheus.NewCounter(prometheus.CounterOpts{Name: "millrace_rescue_errors_total", Help: "Rounds that failed at something."}),
		pending: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "millrace_rescue_pending_pods", Help: "Pods on no node in sets that opted in, by what the tool makes of them.",
		}, []string{"statefulset", "cause"}),
	}
	r.MustRegister(m.claims, m.pods, m.members, m.volumes, m.errors, m.pending)
	return m
}

func (m *Metrics) verdicts(vs []judge.Verdict) {
	m.pending.Reset()
	for _, v := range vs {
		m.pending.WithLabelValues(v.Set.Name, v.Cause).Inc()
	}
}
