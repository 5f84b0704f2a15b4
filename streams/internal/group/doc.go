// Package group makes a consumer a member of a Kafka Streams group: it tells the
// group what this process has and runs, takes tasks out of what the group assigns,
// and, when this member leads, assigns all tasks to all members. It is a
// kgo.GroupBalancer for the protocol "stream", cooperative; a member may be a JVM.
//
// The order of events on the client's group goroutine is: JoinGroupMetadata; on
// the leader MemberBalancer and a balance; ParseSyncAssignment, which reports the
// Assignment; then the client's revoked and assigned callbacks.
package group
