// Package statedir owns the local state of an application on this machine:
//
//	<Dir>/<application id>/
//	    .lock            held by the one process that may use it; never unlinked
//	    process-id       who this state belongs to in the group, over restarts
//	    identity         format, application, cluster and instance of the state
//	    group-memo       what the leader of the group assigned last
//	    0_1/             the state of task 0_1
//	    0_1.corrupt-.../ what was set aside when damage was found, a few at most
//
// One process has it at a time (flock); within the process a registry passes
// tasks from one worker to the next. Directories are 0700, files 0600.
package statedir
