package statedir_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/millrace/millrace/streams/internal/statedir"
)

func ExampleOpen() {
	root, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(root)

	o := statedir.Options{Dir: root, ApplicationID: "wordcount", LockTimeout: time.Millisecond}
	dir, err := statedir.Open(context.Background(), o)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer dir.Close()

	_, err = statedir.Open(context.Background(), o)
	var locked *statedir.LockedError
	fmt.Println(errors.As(err, &locked), locked.Holder.PID == os.Getpid())
	// Output: true true
}
