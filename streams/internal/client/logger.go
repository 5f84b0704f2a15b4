package client

import (
	"context"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"
)

// logger passes on what the client warns about. The client calls errors what it
// will try again; what cannot be repaired comes back as an error value and is
// reported there, so nothing here is more than a warning.
type logger struct {
	log *slog.Logger
}

// newLogger marks the lines as the client's.
func newLogger(log *slog.Logger) logger {
	if log == nil {
		log = slog.Default()
	}
	return logger{log: log.With("component", "kafka")}
}

// Level is Warn, and Info where the application itself logs at debug level.
func (l logger) Level() kgo.LogLevel {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		return kgo.LogLevelInfo
	}
	return kgo.LogLevelWarn
}

// Log writes one line. The client puts no record content and no credentials
// into its messages.
func (l logger) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	to := slog.LevelDebug
	if level <= kgo.LogLevelWarn {
		to = slog.LevelWarn
	}
	l.log.Log(context.Background(), to, msg, keyvals...)
}
