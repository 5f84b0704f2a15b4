package main

import (
	"encoding/json"
	"io"
	"math"
	"time"
)

// result is one run, in the peer's words: see its README for what each field means.
type result struct {
	Workload    string  `json:"workload"`
	Impl        string  `json:"impl"`
	Profile     string  `json:"profile,omitempty"`
	Compression string  `json:"compression"`
	Cache       string  `json:"cache,omitempty"`
	Records     int64   `json:"records"`
	Seconds     float64 `json:"seconds"`
	RecordsPerS int64   `json:"records_per_s"`
	MBPerS      float64 `json:"mb_per_s"`
	ToLast      float64 `json:"seconds_to_last_record"`
	SecondHalf  int64   `json:"second_half_records_per_s"`
	StartupS    float64 `json:"startup_s"`
	CPUProcess  float64 `json:"cpu_seconds_process"`
	CPUMeasured float64 `json:"cpu_seconds_measured"`
	CPUMicros   float64 `json:"cpu_us_per_record"`
	CPUMicros2  float64 `json:"second_half_cpu_us_per_record"`
	BrokerCPU   float64 `json:"broker_cpu_seconds"`
	OtherCPU    float64 `json:"other_cpu_seconds"`
	PeakRSS     int64   `json:"peak_rss_mb"`
	OutputEnd   int64   `json:"output_end_offset"`
	LogEnd      int64   `json:"changelog_end_offset"`
	Committed   bool    `json:"all_committed"`
	// Checked is "equal" when the output was compared with an independent computation.
	Checked string `json:"checked,omitempty"`
	// MBPerCPU is how much a CPU second restores; only of the workload restore.
	MBPerCPU float64 `json:"mb_per_cpu_s,omitempty"`
	// StateMB is what the local stores weigh on disk.
	StateMB int64 `json:"state_mb,omitempty"`
}

// micros is what the comparison goes by: CPU a record over the second half of the
// input where that is known, else over all of it.
func (r result) micros() float64 {
	if r.CPUMicros2 > 0 {
		return r.CPUMicros2
	}
	return r.CPUMicros
}

// othersShare is how much of the machine anything else used, 0 to 1.
func (r result) othersShare() float64 {
	return r.OtherCPU / max(r.Seconds+r.StartupS, 0.001) / float64(cpus())
}

// write prints it as one line.
func (r result) write(w io.Writer) error { return json.NewEncoder(w).Encode(r) }

// moments of a run.
type moments struct {
	start, first, half, processed, end usage
	halfDone                           int64
}

// fill computes the figures of a run of that many records and bytes.
func (r *result) fill(m moments, records, bytes int64) {
	seconds := m.end.at.Sub(m.first.at).Seconds()
	r.Records, r.Seconds = records, round(seconds)
	r.RecordsPerS, r.MBPerS = int64(float64(records)/seconds), round(float64(bytes)/1e6/seconds)
	r.ToLast = round(m.processed.at.Sub(m.first.at).Seconds())
	r.StartupS = round(m.first.at.Sub(m.start.at).Seconds())
	r.CPUProcess = round(m.end.process.Seconds())
	r.CPUMeasured = round((m.end.process - m.first.process).Seconds())
	r.CPUMicros = round(perRecord(m.end.process-m.first.process, records))
	if !m.half.at.IsZero() && m.halfDone < records {
		left := records - m.halfDone
		r.SecondHalf = int64(float64(left) / m.processed.at.Sub(m.half.at).Seconds())
		r.CPUMicros2 = round(perRecord(m.end.process-m.half.process, left))
	}
	r.BrokerCPU = round((m.end.broker - m.start.broker).Seconds())
	r.OtherCPU = round(m.end.others(m.start).Seconds())
	r.PeakRSS = peakRSS()
}

func perRecord(cpu time.Duration, records int64) float64 {
	return float64(cpu.Nanoseconds()) / 1000 / float64(max(records, 1))
}

func round(x float64) float64 { return math.Round(x*100) / 100 }
