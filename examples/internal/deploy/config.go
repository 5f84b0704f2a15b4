// Package deploy is what the examples have in common when they are deployed: their
// configuration comes from the environment, as a StatefulSet sets it, and their
// probes and metrics are served on one port.
package deploy

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/streams"
)

// The variables that Config reads. README.md in k8s says what each is for.
const (
	Brokers        = "KAFKA_BOOTSTRAP_SERVERS"
	Mechanism      = "KAFKA_SASL_MECHANISM"
	Username       = "KAFKA_USERNAME"
	Password       = "KAFKA_PASSWORD"
	UseTLS         = "KAFKA_TLS"
	CAFile         = "KAFKA_TLS_CA_FILE"
	PodName        = "POD_NAME"
	ApplicationID  = "MILLRACE_APPLICATION_ID"
	StateDir       = "MILLRACE_STATE_DIR"
	HTTP           = "MILLRACE_HTTP"
	SessionTimeout = "MILLRACE_SESSION_TIMEOUT"
	StopTimeout    = "MILLRACE_STOP_TIMEOUT"
	CommitInterval = "MILLRACE_COMMIT_INTERVAL"
	Workers        = "MILLRACE_WORKERS"
	MemoryLimit    = "MILLRACE_MEMORY_LIMIT"
	MaxUnflushed   = "MILLRACE_MAX_UNFLUSHED"
	MaxBuffered    = "MILLRACE_MAX_BUFFERED"
	Standbys       = "MILLRACE_STANDBY_REPLICAS"
	Zone           = "MILLRACE_ZONE"
)

// Config is the configuration of an application by its environment. What is not set
// keeps the library's default, the application's id apart, which is the program's. All
// faults are reported together.
func Config(application string, getenv func(string) string) (streams.Config, error) {
	r := reader{getenv: getenv}
	c := streams.Config{
		ApplicationID:  application,
		InstanceID:     getenv(PodName), // the downward API's: the name that comes back
		StateDir:       getenv(StateDir),
		SessionTimeout: r.duration(SessionTimeout), StopTimeout: r.duration(StopTimeout),
		CommitInterval: r.duration(CommitInterval), Workers: r.number(Workers),
		MemoryLimit: r.size(MemoryLimit), MaxUnflushedBytes: r.size(MaxUnflushed), MaxBufferedBytes: r.size(MaxBuffered),
	}
	if id := getenv(ApplicationID); id != "" {
		c.ApplicationID = id
	}
	if servers := getenv(Brokers); servers != "" {
		c.Brokers = strings.Split(servers, ",")
	}
	c.NumStandbyReplicas = r.number(Standbys)
	if zone := getenv(Zone); zone != "" { // copies of a task go to several zones
		c.ClientTags, c.RackAwareTags = map[string]string{"zone": zone}, []string{"zone"}
	}
	c.SASL = r.sasl()
	c.TLS = r.tls()
	return c, errors.Join(r.faults...)
}

// reader collects the faults of variables.
type reader struct {
	getenv func(string) string
	faults []error
}

func (r *reader) fault(format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf(format, args...))
}

func (r *reader) duration(name string) time.Duration {
	text := r.getenv(name)
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		r.fault("%s=%s: want a duration, such as 90s", name, text)
	}
	return d
}

func (r *reader) number(name string) int {
	text := r.getenv(name)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		r.fault("%s=%s: want a number above 0", name, text)
	}
	return n
}

// size reads bytes in GOMEMLIMIT's own notation, so that one unit serves both.
func (r *reader) size(name string) int64 {
	text := r.getenv(name)
	if text == "" {
		return 0
	}
	n, err := ParseSize(text)
	if err != nil {
		r.fault("%s=%s: %w", name, text, err)
	}
	return n
}

// ParseSize reads a number of bytes with an optional unit: B, KiB, MiB, GiB or TiB.
func ParseSize(text string) (int64, error) {
	number, shift := text, 0
	for i, unit := range []string{"B", "KiB", "MiB", "GiB", "TiB"} {
		if cut, ok := strings.CutSuffix(text, unit); ok {
			number, shift = cut, 10*i
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n <= 0 || n<<shift>>shift != n {
		return 0, errors.New("want a size above 0, such as 512MiB")
	}
	return n << shift, nil
}

// sasl has a user only together with a mechanism: a password that nobody uses is a
// mistake of the deployment.
func (r *reader) sasl() streams.SASL {
	s := streams.SASL{Mechanism: r.getenv(Mechanism), User: r.getenv(Username), Password: streams.Secret(r.getenv(Password))}
	if s.Mechanism == "" && (s.User != "" || s.Password != "") {
		r.fault("%s or %s is set without %s: set it to PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", Username, Password, Mechanism)
	}
	return s
}

// tls trusts the system's authorities, or those of CAFile alone: a cluster's own
// authority, as Strimzi publishes it in a Secret.
func (r *reader) tls() *tls.Config {
	file := r.getenv(CAFile)
	if file == "" {
		if r.getenv(UseTLS) == "true" {
			return &tls.Config{MinVersion: tls.VersionTLS12}
		}
		return nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		r.fault("%s: %w", CAFile, err)
		return nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		r.fault("%s: %s holds no certificate in PEM", CAFile, file)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}
