//go:build synctests

package sim

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// network is what one process has of it: it can be cut, stand still, and lose replies.
type network struct {
	virtual *kfake.VirtualNetwork

	mu     sync.Mutex
	conns  map[*conn]struct{}
	dead   bool
	frozen chan struct{} // closed at the thaw; nil if it moves
	losses []*loss
}

// loss takes away one request, or its reply.
type loss struct {
	key   int16
	after bool // the request is carried out, and the reply lost
	skip  int  // how many requests of the kind pass before
}

func newNetwork(v *kfake.VirtualNetwork) *network {
	return &network{virtual: v, conns: make(map[*conn]struct{})}
}

var errCut = errors.New("the network is cut")

// dial is for the process's clients.
func (n *network) dial(ctx context.Context, network, host string) (net.Conn, error) {
	n.mu.Lock()
	dead := n.dead
	n.mu.Unlock()
	if dead {
		return nil, errCut
	}
	inner, err := n.virtual.DialContext(ctx, network, host)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: inner, n: n, doomed: -1, done: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.dead {
		inner.Close()
		return nil, errCut
	}
	n.conns[c] = struct{}{}
	return c, nil
}

// cut ends all there is, for good: the process is gone.
func (n *network) cut() {
	n.mu.Lock()
	n.dead = true
	conns := n.conns
	n.conns = make(map[*conn]struct{})
	n.mu.Unlock()
	n.thaw()
	for c := range conns {
		c.Close()
	}
}

// freeze holds everything up, as for a process that stands still.
func (n *network) freeze() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.frozen == nil {
		n.frozen = make(chan struct{})
	}
}

func (n *network) thaw() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.frozen != nil {
		close(n.frozen)
		n.frozen = nil
	}
}

func (n *network) lose(l *loss) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.losses = append(n.losses, l)
}

// fate says what becomes of a request.
func (n *network) fate(key int16) (before, after bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, l := range n.losses {
		if l.key != key {
			continue
		}
		if l.skip--; l.skip < 0 {
			n.losses = append(n.losses[:i], n.losses[i+1:]...)
			return !l.after, l.after
		}
	}
	return false, false
}

// conn is one connection. The client writes a request at a time.
type conn struct {
	net.Conn
	n      *network
	mu     sync.Mutex
	doomed int32 // correlation id of the reply to lose, or -1
	frame  []byte
	once   sync.Once
	done   chan struct{}
}

func (c *conn) wait() error {
	c.n.mu.Lock()
	frozen := c.n.frozen
	c.n.mu.Unlock()
	if frozen == nil {
		return nil
	}
	select {
	case <-frozen:
		return nil
	case <-c.done:
		return net.ErrClosed
	}
}

// Write implements net.Conn.
func (c *conn) Write(b []byte) (int, error) {
	if err := c.wait(); err != nil {
		return 0, err
	}
	if len(b) >= 12 {
		before, after := c.n.fate(int16(binary.BigEndian.Uint16(b[4:])))
		if before {
			c.Close()
			return 0, io.ErrClosedPipe
		}
		if after {
			c.mu.Lock()
			c.doomed = int32(binary.BigEndian.Uint32(b[8:]))
			c.mu.Unlock()
		}
	}
	return c.Conn.Write(b)
}

// Read implements net.Conn, a frame at a time.
func (c *conn) Read(b []byte) (int, error) {
	if len(c.frame) == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n := copy(b, c.frame)
	c.frame = c.frame[n:]
	return n, nil
}

func (c *conn) next() error {
	var size [4]byte
	if _, err := io.ReadFull(c.Conn, size[:]); err != nil {
		return err
	}
	c.frame = append(size[:], make([]byte, binary.BigEndian.Uint32(size[:]))...)
	if _, err := io.ReadFull(c.Conn, c.frame[4:]); err != nil {
		c.frame = nil
		return err
	}
	if err := c.wait(); err != nil {
		c.frame = nil
		return err
	}
	c.mu.Lock()
	lost := len(c.frame) >= 8 && int32(binary.BigEndian.Uint32(c.frame[4:])) == c.doomed
	c.mu.Unlock()
	if lost {
		c.frame = nil
		c.Close()
		return io.EOF
	}
	return nil
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.once.Do(func() {
		close(c.done)
		c.n.mu.Lock()
		delete(c.n.conns, c)
		c.n.mu.Unlock()
	})
	return c.Conn.Close()
}

// A time limit in the past is how the client interrupts; virtual pipes know them.
var _ interface{ SetDeadline(time.Time) error } = (*conn)(nil)
