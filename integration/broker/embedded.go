package broker

import "github.com/millrace/millrace/streams/embedded"

// inProcess starts the embedded broker; why says what chose it.
func inProcess(why string) (*Broker, error) {
	b, err := embedded.Start()
	if err != nil {
		return nil, err
	}
	stop := func() error { b.Close(); return nil }
	return &Broker{Kind: Embedded, Addrs: b.Addrs(), about: why, close: stop}, nil
}
