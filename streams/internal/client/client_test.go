package client_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/millrace/millrace/streams/internal/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "c4nary-passw0rd"

func broker(t *testing.T, opts ...kfake.Opt) []string {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c.ListenAddrs()
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// check runs Check with a limit that it must not need.
func check(t *testing.T, c client.Config) error {
	t.Helper()
	c.Logger = quiet()
	cl, err := c.New()
	require.NoError(t, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	err = client.Check(ctx, cl)
	require.NoError(t, ctx.Err(), "Check must not wait for its limit")
	return err
}

// TestSASL: each mechanism logs in with the right password; a wrong one is named.
func TestSASL(t *testing.T) {
	t.Parallel()
	for _, m := range []string{client.Plain, client.ScramSHA256, client.ScramSHA512} {
		t.Run(m, func(t *testing.T) {
			t.Parallel()
			addrs := broker(t, kfake.EnableSASL(), kfake.Superuser(m, "ann", password))
			login := func(pw string) error {
				return check(t, client.Config{Brokers: addrs, SASL: client.SASL{Mechanism: m, User: "ann", Password: pw}})
			}
			require.NoError(t, login(password))
			err := login("wrong-" + password)
			require.ErrorContains(t, err, "password")
			require.ErrorContains(t, err, addrs[0])
			require.NotContains(t, err.Error(), password)
			require.ErrorContains(t, check(t, client.Config{Brokers: addrs}), "SASL")
		})
	}
}

// TestNobodyListens: a wrong port shows at once.
func TestNobodyListens(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	err = check(t, client.Config{Brokers: []string{addr}})
	require.ErrorContains(t, err, addr)
	require.ErrorContains(t, err, "is the broker running")
	var explained *client.Error
	require.ErrorAs(t, err, &explained)
	require.Equal(t, []string{addr}, explained.Brokers)
}

// TestTLS: the ways in which certificates and listeners do not fit.
func TestTLS(t *testing.T) {
	t.Parallel()
	cert, pool := certificate(t)
	secure := broker(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{cert}}))
	plain := broker(t)
	for name, test := range map[string]struct {
		addrs []string
		tls   *tls.Config
		want  string
	}{
		"right":                {secure, &tls.Config{RootCAs: pool, ServerName: "broker.test"}, ""},
		"unknown authority":    {secure, &tls.Config{ServerName: "broker.test"}, "TLS.RootCAs"},
		"other host":           {secure, &tls.Config{RootCAs: pool, ServerName: "other.test"}, "another host name"},
		"TLS to a plain port":  {[]string{plainPort(t)}, &tls.Config{RootCAs: pool, ServerName: "broker.test"}, "TLS"},
		"plain to a TLS port":  {secure, nil, "TLS"},
		"without TLS to plain": {plain, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := check(t, client.Config{Brokers: test.addrs, TLS: test.tls})
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.want)
		})
	}
}

// plainPort does what a broker does on a plain listener that is greeted by TLS: it
// takes the greeting for an impossible size and hangs up.
func plainPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.ReadFull(c, make([]byte, 4))
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		<-done
	})
	return l.Addr().String()
}

// certificate is a self-signed one for broker.test.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"broker.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// TestSilentBroker: something that accepts and never answers is named as such.
func TestSilentBroker(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	cl, err := client.Config{Brokers: []string{l.Addr().String()}, Logger: quiet()}.New()
	require.NoError(t, err)
	defer cl.Close()
	defer func() { require.NoError(t, l.Close()) }() // before the client, which would wait for an answer
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorContains(t, client.Check(ctx, cl), "advertised.listeners")
}

// TestValidate: all faults at once, and nothing is dialled.
func TestValidate(t *testing.T) {
	t.Parallel()
	login := client.SASL{Mechanism: client.Plain, User: "ann", Password: password}
	for name, test := range map[string]struct {
		config client.Config
		want   []string
	}{
		"no brokers":        {client.Config{}, []string{"no brokers"}},
		"addresses":         {client.Config{Brokers: []string{"kafka", ":9092"}}, []string{`"kafka"`, `":9092"`}},
		"mechanism":         {client.Config{Brokers: []string{"a:1"}, SASL: client.SASL{Mechanism: "GSSAPI"}}, []string{"GSSAPI"}},
		"no mechanism":      {client.Config{Brokers: []string{"a:1"}, SASL: client.SASL{User: "ann"}}, []string{"no mechanism"}},
		"no password":       {client.Config{Brokers: []string{"a:1"}, SASL: client.SASL{Mechanism: client.ScramSHA512, User: "ann"}}, []string{"empty"}},
		"PLAIN in the open": {client.Config{Brokers: []string{"a:1"}, SASL: login}, []string{"PLAIN without TLS"}},
		"PLAIN, TLS":        {client.Config{Brokers: []string{"a:1"}, SASL: login, TLS: &tls.Config{}}, nil},
		"PLAIN, allowed":    {client.Config{Brokers: []string{"a:1"}, SASL: login, AllowPlaintext: true}, nil},
		"PLAIN, loopback":   {client.Config{Brokers: []string{"localhost:1", "127.0.0.1:2", "[::1]:3"}, SASL: login}, nil},
		"several":           {client.Config{SASL: client.SASL{Mechanism: "X"}}, []string{"no brokers", `"X"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := test.config.Validate()
			if test.want == nil {
				require.NoError(t, err)
				return
			}
			for _, w := range test.want {
				require.ErrorContains(t, err, w)
			}
			require.NotContains(t, err.Error(), password)
			_, err = test.config.New()
			require.Error(t, err)
		})
	}
}

// TestPasswordIsNeverShown by printing, logging or encoding a Config.
func TestPasswordIsNeverShown(t *testing.T) {
	t.Parallel()
	c := client.Config{Brokers: []string{"a:1"}, SASL: client.SASL{Mechanism: client.Plain, User: "ann", Password: password}}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("config", "sasl", c.SASL, "config", fmt.Sprintf("%v %+v %#v", c, c, c))
	slog.New(slog.NewTextHandler(&log, nil)).Info("config", "sasl", &c.SASL)
	require.Contains(t, log.String(), "ann")
	require.NotContains(t, log.String(), password)
}

// TestExplain: the table, and that explaining twice changes nothing.
func TestExplain(t *testing.T) {
	t.Parallel()
	brokers := []string{"a:1", "b:2"}
	for _, test := range []struct {
		err  error
		want string
	}{
		{kerr.SaslAuthenticationFailed, "check the SASL user and password"},
		{kerr.UnsupportedSaslMechanism, "mechanism"},
		{kerr.TopicAuthorizationFailed, "Describe on the application's topics"},
		{kerr.GroupAuthorizationFailed, "Read and Describe on the group"},
		{kerr.ClusterAuthorizationFailed, "Create"},
		{&net.DNSError{Err: "no such host", Name: "a"}, "resolved"},
		{io.ErrUnexpectedEOF, "closed the connection"},
		{context.DeadlineExceeded, "no answer in time"},
		{os.ErrDeadlineExceeded, "no answer in time"},
		{x509.CertificateInvalidError{Reason: x509.Expired}, "expired"},
		{kgo.ErrClientClosed, "was closed"},
	} {
		err := client.Explain(fmt.Errorf("request: %w", test.err), brokers)
		require.ErrorContains(t, err, test.want)
		require.ErrorContains(t, err, "a:1,b:2")
		require.ErrorIs(t, err, test.err)
		require.Equal(t, err, client.Explain(err, brokers))
	}
	other := errors.New("other")
	require.Equal(t, other, client.Explain(other, brokers))
	require.NoError(t, client.Explain(nil, brokers))
}

// TestOptionsWin: what a client is for is never undone by the user's options.
func TestOptionsWin(t *testing.T) {
	t.Parallel()
	cl, err := client.Config{Brokers: []string{"a:1"}, Opts: []kgo.Opt{kgo.ClientID("users"), kgo.FetchMaxBytes(7)}}.New(kgo.FetchMaxBytes(9))
	require.NoError(t, err)
	defer cl.Close()
	require.Equal(t, "users", cl.OptValue(kgo.ClientID))
	require.EqualValues(t, 9, cl.OptValue(kgo.FetchMaxBytes))
	_, err = client.Config{Brokers: []string{"a:1"}}.New(kgo.RequestTimeoutOverhead(-1))
	require.ErrorContains(t, err, "options")
}

// TestLoggerIsQuiet: warnings pass, everything else only at debug level.
func TestLoggerIsQuiet(t *testing.T) {
	t.Parallel()
	for level, want := range map[slog.Level]kgo.LogLevel{slog.LevelInfo: kgo.LogLevelWarn, slog.LevelDebug: kgo.LogLevelInfo} {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level}))
		cl, err := client.Config{Brokers: []string{"a:1"}, Logger: log}.New()
		require.NoError(t, err)
		l := cl.OptValue(kgo.WithLogger).(kgo.Logger)
		require.Equal(t, want, l.Level())
		l.Log(kgo.LogLevelError, "odd", "broker", 1)
		require.Contains(t, out.String(), "level=WARN msg=odd component=kafka broker=1")
		cl.Close()
	}
}
