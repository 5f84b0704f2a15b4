// Package topics sees to it that all topics of an application are there and fit
// to hold what the application will put into them: it looks for the sources,
// decides partition counts as Kafka Streams does, creates repartition and
// changelog topics, checks those that exist, and purges repartition topics of
// what has been processed.
package topics
