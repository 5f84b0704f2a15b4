package broker

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func env(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

// TestChooseImage: named, else built here, else public, else an error that helps.
func TestChooseImage(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		env    map[string]string
		local  string
		want   string
		failed string
	}{
		"named":             {map[string]string{"MILLRACE_KAFKA_IMAGE": "a/b:1", "MILLRACE_KAFKA_VERSION": "3.8.0"}, "millrace/kafka:3.8.0", "a/b:1", ""},
		"built":             {map[string]string{"MILLRACE_KAFKA_VERSION": "3.8.0"}, "millrace/kafka:3.8.0", "millrace/kafka:3.8.0", ""},
		"other version":     {map[string]string{"MILLRACE_KAFKA_VERSION": "3.8.0"}, "millrace/kafka:4.3.1", "confluentinc/confluent-local:7.8.0", ""},
		"default and built": {nil, "millrace/kafka:4.3.1", "millrace/kafka:4.3.1", ""},
		"default":           {nil, "", "confluentinc/confluent-local:8.3.1", ""},
		"unknown":           {map[string]string{"MILLRACE_KAFKA_VERSION": "9.9.9"}, "", "", "integration/image/build.sh 9.9.9"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := chooseImage(env(tc.env), func(image string) bool { return image == tc.local })
			require.Equal(t, tc.want, got)
			if tc.failed != "" {
				require.ErrorContains(t, err, tc.failed)
			}
		})
	}
}

// TestExternal: an address is taken at its word, anything else is a mistake.
func TestExternal(t *testing.T) {
	t.Parallel()
	b, err := Start(t.Context(), env(map[string]string{"MILLRACE_TEST_BROKER": "a:9092,b:9092"}))
	require.NoError(t, err)
	require.Equal(t, []string{"a:9092", "b:9092"}, b.Addrs)
	require.True(t, b.Real())
	require.Equal(t, "external broker at a:9092,b:9092: by MILLRACE_TEST_BROKER", b.String())
	require.NoError(t, b.Close())

	_, err = Start(t.Context(), env(map[string]string{"MILLRACE_TEST_BROKER": "contaner"}))
	require.ErrorContains(t, err, "want container, embedded, or host:port")
}

// TestOneLine: an error of many lines stays one in the run's report.
func TestOneLine(t *testing.T) {
	t.Parallel()
	require.Equal(t, "first", firstLine(errors.New("first\nsecond")))
}
