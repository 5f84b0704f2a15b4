package streamshttp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

const (
	// ReadHeaderTimeout is how long a client may take to send its request.
	ReadHeaderTimeout = 5 * time.Second
	// WriteTimeout is how long an answer may take, reading the request included.
	WriteTimeout = 30 * time.Second
	// IdleTimeout is how long a connection is kept for a next request.
	IdleTimeout = 60 * time.Second
	// ShutdownTimeout is how long running answers may still take at the end.
	ShutdownTimeout = 5 * time.Second
	// MaxHeaderBytes caps the header of a request.
	MaxHeaderBytes = 16 << 10
)

// ErrNotLoopback is returned by Serve for an address that others can reach. The
// endpoints have no authentication, so that takes AllowNonLoopback.
var ErrNotLoopback = errors.New("streamshttp: not a loopback address")

// ServeOption changes how Serve listens.
type ServeOption func(*serving)

type serving struct {
	anyAddress bool
	listening  func(net.Addr)
}

// AllowNonLoopback lets Serve bind an address that other machines can reach, as
// Kubernetes' probes need. Whoever reaches it sees the names of topics, operators
// and stores, but never a record.
func AllowNonLoopback() ServeOption { return func(s *serving) { s.anyAddress = true } }

// OnListen calls f once with the address bound, for one that ends in port 0.
func OnListen(f func(net.Addr)) ServeOption { return func(s *serving) { s.listening = f } }

// Serve listens on addr, such as "127.0.0.1:8080", and serves h until ctx is done;
// then it lets running answers finish, for ShutdownTimeout at most, and returns
// nil. A host left empty is the loopback interface, unless AllowNonLoopback is given:
// then it is every interface. It blocks; the handler runs in goroutines of its own.
func Serve(ctx context.Context, addr string, h http.Handler, opts ...ServeOption) error {
	var s serving
	for _, opt := range opts {
		opt(&s)
	}
	l, err := s.listen(ctx, addr)
	if err != nil {
		return err
	}
	if s.listening != nil {
		s.listening(l.Addr())
	}
	return serve(ctx, l, h)
}

// listen binds the address after it has been found harmless.
func (s serving) listen(ctx context.Context, addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("streamshttp: address %q: %w", addr, err)
	}
	if host == "" && !s.anyAddress {
		host = "127.0.0.1"
	}
	if !s.anyAddress && !loopback(host) {
		return nil, fmt.Errorf("%w: %s; bind 127.0.0.1, or say AllowNonLoopback if the network in front of it is trusted", ErrNotLoopback, addr)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("streamshttp: %w", err)
	}
	return l, nil
}

// loopback accepts addresses and the one name that means them. Other names may
// resolve to anything, today or tomorrow.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// serve runs the server and joins it: no goroutine is left when it returns.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: ReadHeaderTimeout,
		ReadTimeout:       ReadHeaderTimeout,
		WriteTimeout:      WriteTimeout,
		IdleTimeout:       IdleTimeout,
		MaxHeaderBytes:    MaxHeaderBytes,
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("streamshttp: %w", err)
	case <-ctx.Done():
	}
	return shutdown(ctx, srv, failed)
}

// shutdown waits for running answers, then closes what is left.
func shutdown(ctx context.Context, srv *http.Server, failed <-chan error) error {
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), ShutdownTimeout)
	defer cancel()
	if srv.Shutdown(grace) != nil {
		_ = srv.Close() // the slow ones are cut; the process is ending
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("streamshttp: %w", err)
	}
	return nil
}
