// Package check judges what an exactly-once application has left behind. It knows the
// whole truth, because it made the input: each record says who it is. From the
// outputs, the changelogs, the committed offsets, the open transactions and the state
// directories it finds what is wrong, and calls it by its name:
//
//	lost             an input has no effect, though its offset is committed
//	unseen           an input has not been processed yet
//	duplicate        an input has more than one effect
//	aborted-visible  an output belongs to a history that was given up
//	torn             output, changelog and offset of one transaction disagree
//	reordered        inputs of one partition and key had their effects in another order
//	state!=changelog a local store differs from its changelog at its own position
//	state!=model     the changelog differs from a computation over the input
//	offset-ahead     more is committed than there was
//	offset-behind    what was processed is not committed
//	open-transaction a transaction of the application is open
//	LSO-stuck        a topic cannot be read to its end
//
// The same checks judge simulations and real brokers. The tests of the package plant
// the faults, and a name is only worth something because its fault is found by it.
package check
