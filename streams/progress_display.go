package streams

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// display shows how far restoring is: one line, drawn again and again on a
// terminal, logged once a second elsewhere.
type display interface {
	// every is the least time between two shows.
	every() time.Duration
	show(line progressLine)
	// finish shows the sum, once nothing is being restored any more.
	finish(line progressLine)
}

// progressLine is what there is to show, over all stores that restore now.
type progressLine struct {
	Stores      int
	Done, Total int64 // changelog offsets
	Records     int64
	Bytes       int64
	Elapsed     time.Duration
}

func (l progressLine) megabytes() float64 { return float64(l.Bytes) / 1e6 }

// rate is in records and megabytes a second.
func (l progressLine) rate() (records, megabytes float64) {
	s := l.Elapsed.Seconds()
	if s <= 0 {
		return 0, 0
	}
	return float64(l.Records) / s, l.megabytes() / s
}

// share is how much is done, 0 to 1.
func (l progressLine) share() float64 {
	if l.Total <= 0 {
		return 1
	}
	return min(1, float64(l.Done)/float64(l.Total))
}

// eta is the rest of the way at the rate so far; 0 while unknown.
func (l progressLine) eta() time.Duration {
	if l.Done <= 0 {
		return 0
	}
	return time.Duration(float64(l.Elapsed) * float64(l.Total-l.Done) / float64(l.Done)).Round(time.Second)
}

// newDisplay chooses by what Config.Progress says and where standard error goes.
func newDisplay(w io.Writer, log *slog.Logger) display {
	switch {
	case w == io.Discard:
		return nil
	case w != nil:
		return &bar{out: w}
	case term.IsTerminal(int(os.Stderr.Fd())):
		return &bar{out: os.Stderr}
	}
	return &logLines{log: log}
}

// bar draws on a terminal.
type bar struct{ out io.Writer }

func (b *bar) every() time.Duration { return 100 * time.Millisecond }

func (b *bar) show(l progressLine) {
	const width = 30
	full := int(l.share() * width)
	_, mb := l.rate()
	_, _ = fmt.Fprintf(b.out, "\r\x1b[Krestoring %d stores [%s%s] %3.0f%%  %d records  %.1f MB/s  ETA %v",
		l.Stores, strings.Repeat("=", full), strings.Repeat(" ", width-full), 100*l.share(), l.Records, mb, l.eta())
}

func (b *bar) finish(l progressLine) {
	records, mb := l.rate()
	_, _ = fmt.Fprintf(b.out, "\r\x1b[Krestored %d records, %.1f MB in %v (%.0f records/s, %.1f MB/s)\n",
		l.Records, l.megabytes(), l.Elapsed.Round(time.Millisecond), records, mb)
}

// logLines is for everything that is not a terminal.
type logLines struct{ log *slog.Logger }

func (p *logLines) every() time.Duration { return time.Second }

func (p *logLines) show(l progressLine) {
	records, mb := l.rate()
	p.log.Info("restoring", "stores", l.Stores, "percent", int(100*l.share()), "records", l.Records,
		"records_per_s", int(records), "mb_per_s", rounded(mb), "eta", l.eta().String())
}

func (p *logLines) finish(l progressLine) {
	records, mb := l.rate()
	p.log.Info("restored", "records", l.Records, "mb", rounded(l.megabytes()), "took", l.Elapsed.Round(time.Millisecond).String(),
		"records_per_s", int(records), "mb_per_s", rounded(mb))
}

// rounded keeps one digit behind the point.
func rounded(f float64) float64 { return float64(int64(f*10+.5)) / 10 }
