// Package embedded runs a Kafka broker inside the process, for demos and tests:
// nothing to install, nothing left behind. It keeps everything in memory, has no
// replication and no durability, and is slower than it looks. Never use it in
// production.
package embedded
