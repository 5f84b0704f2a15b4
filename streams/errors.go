package streams

import "errors"

// ErrFenced ends Run when another process took over this member's InstanceID.
// Going on would be wrong: two processes would do the same work. Test for it
// with errors.Is.
var ErrFenced = errors.New("fenced: another process joined the group with this member's instance id")

// ErrAlreadyRun is returned by a second call of App.Run. An App has one life;
// make a new one to run again.
var ErrAlreadyRun = errors.New("this App was run before; make a new one with New")
