package streams

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestConfigDefaultsAreValid(t *testing.T) {
	t.Parallel()
	c := Config{ApplicationID: "app", Brokers: []string{"b:9092"}}.withDefaults(env())
	require.NoError(t, c.validate())
	require.Equal(t, "app", c.ClientID)
	require.Equal(t, 30*time.Second, c.CommitInterval)
	require.Equal(t, 45*time.Second, c.SessionTimeout)
	require.Equal(t, 5*time.Minute, c.RebalanceTimeout)
	require.Equal(t, -1, c.ReplicationFactor)
	require.Empty(t, c.InstanceID)
	require.Positive(t, c.Workers)
	require.GreaterOrEqual(t, c.MemoryLimit, int64(minMemory))
}

func TestConfigReportsAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	c := Config{
		ApplicationID: "my app", Brokers: []string{"http://b:9092"}, Workers: -1, CommitInterval: -time.Second,
		SessionTimeout: time.Hour, SASL: SASL{Mechanism: "GSSAPI"},
	}
	err := c.withDefaults(env()).validate()
	for _, want := range []string{
		`ApplicationID "my app"`, `broker address "http://b:9092"`, "Workers is -1", "CommitInterval is negative",
		"SessionTimeout is 1h0m0s", `SASL mechanism "GSSAPI"`,
	} {
		require.ErrorContains(t, err, want)
	}
	require.Len(t, strings.Split(err.Error(), "\n"), 6)
	require.ErrorContains(t, Config{}.withDefaults(env()).validate(), "no brokers")
}

// Record caches are a part of the memory for stores, and can be turned off.
func TestCacheBytes(t *testing.T) {
	t.Parallel()
	with := func(cache, memory int64) Config {
		return Config{ApplicationID: "app", Brokers: []string{"b:9092"}, CacheBytes: cache, MemoryLimit: memory}.withDefaults(env())
	}
	require.EqualValues(t, 8<<20, with(0, 64<<20).CacheBytes)
	require.EqualValues(t, MaxDefaultCacheBytes, with(0, 64<<30).CacheBytes)
	require.EqualValues(t, 8<<20, with(0, 64<<20).caches().Limit())
	off := with(NoCaches, 64<<20)
	require.NoError(t, off.validate())
	require.Nil(t, off.caches())
	require.ErrorContains(t, with(-2, 64<<20).validate(), "CacheBytes is -2")
	require.ErrorContains(t, with(65<<20, 64<<20).validate(), "of which it is a part")
}

// Restoring fetches less at a time where memory is scarce.
func TestRestoreFetch(t *testing.T) {
	t.Parallel()
	for memory, want := range map[int64]int32{32 << 20: 1 << 20, 512 << 20: 4 << 20, 64 << 30: 16 << 20} {
		require.Equal(t, want, Config{MemoryLimit: memory}.restoreFetch(4))
	}
}

func TestInstanceIDFollowsThePod(t *testing.T) {
	t.Parallel()
	const k8s = "KUBERNETES_SERVICE_HOST"
	for _, c := range []struct {
		name, set, want string
		env             func(string) string
	}{
		{"elsewhere", "", "", env("HOSTNAME", "laptop")},
		{"pod name", "", "app-0", env(k8s, "10.0.0.1", "POD_NAME", "app-0", "HOSTNAME", "other")},
		{"hostname", "", "app-1", env(k8s, "10.0.0.1", "HOSTNAME", "app-1")},
		{"set", "mine", "mine", env(k8s, "10.0.0.1", "POD_NAME", "app-0")},
		{"refused", NoInstanceID, "", env(k8s, "10.0.0.1", "POD_NAME", "app-0")},
	} {
		got := Config{InstanceID: c.set}.withDefaults(c.env)
		require.Equal(t, c.want, got.InstanceID, c.name)
		want := DefaultSessionTimeout
		if c.want != "" {
			want = DefaultStaticSessionTimeout
		}
		require.Equal(t, want, got.SessionTimeout, c.name)
	}
}

func TestSecretNeverShows(t *testing.T) {
	t.Parallel()
	c := Config{SASL: SASL{Mechanism: "PLAIN", User: "u", Password: "hunter2"}}
	asJSON, err := json.Marshal(c.SASL)
	require.NoError(t, err)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("config", "sasl", c.SASL, "password", c.SASL.Password)
	for _, shown := range []string{
		fmt.Sprint(c.SASL), fmt.Sprintf("%v %+v %#v %s %q %x", c, c, c.SASL, c.SASL.Password, c.SASL.Password, c.SASL.Password),
		string(asJSON), log.String(), c.validate().Error(),
	} {
		require.NotContains(t, shown, "hunter2")
		require.NotContains(t, shown, fmt.Sprintf("%x", "hunter2"))
	}
	require.Equal(t, "hunter2", string(c.SASL.Password))
}

func TestMemoryTakesTheSmallestLimit(t *testing.T) {
	t.Parallel()
	files := func(f map[string]string) func(string) ([]byte, error) {
		return func(name string) ([]byte, error) {
			if s, ok := f[name]; ok {
				return []byte(s), nil
			}
			return nil, os.ErrNotExist
		}
	}
	const meminfo = "MemFree: 12 kB\nMemTotal:       2097152 kB\n"
	require.EqualValues(t, 512<<20, usableMemory(files(map[string]string{"/sys/fs/cgroup/memory.max": "536870912\n", "/proc/meminfo": meminfo})))
	require.EqualValues(t, 2<<30, usableMemory(files(map[string]string{"/sys/fs/cgroup/memory.max": "max\n", "/proc/meminfo": meminfo})))
	require.EqualValues(t, math.MaxInt64, memTotal("nothing here"))
}

func TestUndecodableSaysWhereNotWhat(t *testing.T) {
	t.Parallel()
	cause := errors.New("3 bytes for an int64")
	u := Failure{Topic: "in", Partition: 2, Offset: 17, Operator: "KSTREAM-SOURCE-0000000000", Where: "main.go:12", Attempt: 1, Part: "value", Err: cause}
	require.EqualError(t, u, "in/2 offset 17: the value cannot be decoded by KSTREAM-SOURCE-0000000000 (main.go:12): 3 bytes for an int64")
	require.ErrorIs(t, u, cause)
	require.Equal(t, Fail, Always(Fail)(u))
	require.Equal(t, DeadLetter, Always(DeadLetter)(u))
}

// Go's soft memory limit leaves room for what is not in the heap, and is set only
// where nobody has set one.
func TestSoftMemoryLimit(t *testing.T) {
	require.EqualValues(t, 700, softLimit(1000, 200))
	require.EqualValues(t, 250, softLimit(1000, 5000), "stores that are too large are not the heap's fault")

	before := debug.SetMemoryLimit(math.MaxInt64)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	h := &lines{}
	limitHeap(slog.New(h), 1<<20)
	set := debug.SetMemoryLimit(-1)
	require.Less(t, set, int64(math.MaxInt64))
	require.Positive(t, set)
	require.Len(t, h.said, 1, "it says so")
	limitHeap(slog.New(h), 1<<30)
	require.Equal(t, set, debug.SetMemoryLimit(-1))
	require.Len(t, h.said, 1)
}
