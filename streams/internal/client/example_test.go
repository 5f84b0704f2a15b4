package client_test

import (
	"fmt"

	"github.com/millrace/millrace/streams/internal/client"
)

func ExampleConfig() {
	config := client.Config{
		Brokers: []string{"kafka:9092"},
		SASL:    client.SASL{Mechanism: client.ScramSHA512, User: "ann", Password: "secret"},
	}
	fmt.Println(config.Validate(), config.SASL)

	config.SASL.Mechanism = client.Plain
	fmt.Println(config.Validate())
	// Output:
	// <nil> {SCRAM-SHA-512 ann}
	// SASL PLAIN without TLS would show the password to the network: set TLS, use SCRAM-SHA-512, or allow it explicitly
}

func ExampleError() {
	err := &client.Error{Brokers: []string{"kafka:9092"}, Cause: "nothing listens", Remedy: "start it", Err: fmt.Errorf("refused")}
	fmt.Println(err)
	// Output: Kafka at kafka:9092: nothing listens; start it (refused)
}
