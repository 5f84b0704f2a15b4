package streams

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/streams/internal/client"
	"github.com/millrace/millrace/streams/internal/txn"
	"github.com/millrace/millrace/streams/internal/worker"
)

// producers makes the producers of workers. Exactly-once each worker has its name,
// which stays with the state, or with the instance id: whoever takes the name over
// ends what the former bearer has left open.
type producers struct {
	cfg    Config
	prefix string // of transactional ids
	kind   client.Transactions
	hook   func(txn.Step) error
}

// transactionPrefix is Kafka Streams': the application and the process. That of a
// static member follows from its name, in a name space of our own, and so survives the
// loss of its disk.
func transactionPrefix(cfg Config, processID uuid.UUID) string {
	if cfg.InstanceID != "" {
		processes := uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://github.com/millrace/millrace/process"))
		processID = uuid.NewSHA1(processes, []byte(cfg.ApplicationID+"\x00"+cfg.InstanceID))
	}
	return cfg.ApplicationID + "-" + processID.String() + "-"
}

// openProducers makes the producers of all workers, before the process joins the
// group: nothing of its own is open then that offsets or changelogs would wait for.
func (e *engine) openProducers(ctx context.Context) (err error) {
	c := e.app.cfg
	p := &producers{cfg: c, prefix: transactionPrefix(c, e.state.dir.ProcessID()), hook: e.app.hook}
	e.producers = p
	if c.ProcessingGuarantee == ExactlyOnce {
		if p.kind, err = client.CheckTransactions(ctx, e.admin); err != nil {
			return client.Explain(err, c.Brokers)
		}
		if err := e.endVanished(ctx); err != nil {
			return client.Explain(err, c.Brokers)
		}
	}
	for i := range c.Workers {
		renew := func(ctx context.Context) (*kgo.Client, *txn.Producer, error) { return p.open(ctx, i) }
		producer, tx, err := p.first(ctx, i)
		if err != nil {
			return client.Explain(err, c.Brokers)
		}
		e.senders = append(e.senders, worker.OpenSender(e.hard, producer, tx, renew))
	}
	return nil
}

// endVanished ends the transactions of workers that an earlier process had more than
// this one. The number is lowered only when that is done.
func (e *engine) endVanished(ctx context.Context) error {
	dir, now := e.state.dir, e.app.cfg.Workers
	before := dir.Workers()
	if err := dir.SetWorkers(max(before, now)); err != nil {
		return err
	}
	for i := now; i < before; i++ {
		producer, _, err := e.producers.first(ctx, i)
		if err != nil {
			return fmt.Errorf("ending the transaction of worker %d, which is no more: %w", i, err)
		}
		producer.Close()
	}
	return dir.SetWorkers(now)
}

// first makes the producer of worker i at the start.
func (p *producers) first(ctx context.Context, i int) (producer *kgo.Client, tx *txn.Producer, err error) {
	err = again(ctx, func(ctx context.Context) error {
		producer, tx, err = p.open(ctx, i)
		return err
	})
	return producer, tx, err
}

// again repeats a step of the start that can be. The brokers have answered before, so
// what is lost now is worth another try, for as long as they may be unreachable.
func again(ctx context.Context, step func(context.Context) error) error {
	limit := time.Now().Add(checkTimeout)
	for pause := 50 * time.Millisecond; ; pause *= 2 {
		err := step(ctx)
		if err == nil || txn.Judge(err) == txn.Fatal || time.Now().Add(pause).After(limit) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

// open makes the producer of worker i. The caller closes the client.
func (p *producers) open(ctx context.Context, i int) (*kgo.Client, *txn.Producer, error) {
	if p.cfg.ProcessingGuarantee != ExactlyOnce {
		producer, err := p.cfg.kafka().New(worker.SenderOpts()...)
		if err != nil {
			return nil, nil, fmt.Errorf("producer: %w", err)
		}
		return producer, nil, nil
	}
	if p.hook != nil {
		if err := p.hook(txn.StepInit); err != nil {
			return nil, nil, err
		}
	}
	id := fmt.Sprintf("%s%d", p.prefix, i+1) // Kafka Streams counts threads from 1
	opts := append(worker.SenderOpts(), p.kind.Opts(id, p.cfg.TransactionTimeout)...)
	producer, err := p.cfg.kafka().New(opts...)
	if err != nil {
		return nil, nil, fmt.Errorf("producer: %w", err)
	}
	tx := &txn.Producer{Client: producer, ID: id, Group: p.cfg.ApplicationID, Implicit: p.kind.Implicit}
	if err := tx.Init(ctx); err != nil {
		producer.Close()
		return nil, nil, err
	}
	return producer, tx, nil
}
