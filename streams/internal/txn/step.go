package txn

// Step names one step of the protocol, for hooks and errors.
type Step string

// The steps, in their order. Register and end are those of exactly-once.
const (
	StepFlush    Step = "flush"
	StepSend     Step = "send"
	StepRegister Step = "register"
	StepOffsets  Step = "offsets"
	StepEnd      Step = "end"
	StepState    Step = "state"
	StepPurge    Step = "purge"
)

// The steps of a task's and a worker's life around the commits, which tests crash at,
// too.
const (
	StepInit     Step = "init"     // a worker's producer gets its id
	StepAssigned Step = "assigned" // the group has given a task
	StepFetched  Step = "fetched"  // its committed offsets are known
	StepOpened   Step = "opened"   // its stores are open
	StepListed   Step = "listed"   // the ends of its changelogs are known
	StepApplied  Step = "applied"  // a batch of a changelog is in its store
	StepRestored Step = "restored" // its stores are complete
	StepStarted  Step = "started"  // it takes records
	StepRevoked  Step = "revoked"  // the group wants it back
	StepStopped  Step = "stopped"  // its last commit is done
	StepClosed   Step = "closed"   // its stores are closed
	StepAborted  Step = "aborted"  // a commit failed and its state was dropped
	StepRenewed  Step = "renewed"  // its worker has a new producer
)
