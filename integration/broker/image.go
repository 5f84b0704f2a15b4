package broker

import "fmt"

// DefaultVersion is the Kafka that tests run against unless told otherwise.
const DefaultVersion = "4.3.1"

// public is the image of a version that testcontainers' module can start as it is
// pulled. Confluent's numbers are not Kafka's: 7.8 is 3.8, 8.3 is 4.3.
func public(version string) (image string, ok bool) {
	confluent, ok := map[string]string{
		"3.7.0": "7.7.0", "3.8.0": "7.8.0", "3.9.0": "7.9.0",
		"4.0.0": "8.0.0", "4.2.0": "8.2.0", "4.3.1": "8.3.1",
	}[version]
	return "confluentinc/confluent-local:" + confluent, ok
}

// chooseImage is what the environment names, else one that was built here, else
// the public one of that version.
func chooseImage(getenv func(string) string, local func(string) bool) (string, error) {
	if image := getenv("MILLRACE_KAFKA_IMAGE"); image != "" {
		return image, nil
	}
	version := getenv("MILLRACE_KAFKA_VERSION")
	if version == "" {
		version = DefaultVersion
	}
	if built := "millrace/kafka:" + version; local(built) {
		return built, nil
	}
	if image, ok := public(version); ok {
		return image, nil
	}
	return "", fmt.Errorf("no image of Kafka %s: build one with integration/image/build.sh %s, or name one in MILLRACE_KAFKA_IMAGE", version, version)
}
