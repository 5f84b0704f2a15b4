package oracle

import "github.com/millrace/millrace/streams"

// handlers are those of a vector's configuration. Kafka Streams' log_and_continue writes
// a dead letter if there is a topic for it.
func (v *vector) handlers() (c streams.Config) {
	c.DeadLetters, _ = v.Config["errors.dead.letter.queue.topic.name"].(string)
	decide := func(key string) func(streams.Failure) streams.Decision {
		switch {
		case v.Config[key] != "log_and_continue":
			return streams.Always(streams.Fail)
		case c.DeadLetters != "":
			return streams.Always(streams.DeadLetter)
		}
		return streams.Always(streams.Continue)
	}
	c.OnUndecodable = decide("deserialization.exception.handler")
	c.OnFailure = decide("processing.exception.handler")
	return c
}
