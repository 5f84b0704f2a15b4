package group

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Leave removes a static member from its group, so that its tasks move at once
// and not only after its session timeout: for scaling down. The client never does
// so by itself. Any client of the same cluster can ask; a member that is not in
// the group is no error.
func Leave(ctx context.Context, cl *kgo.Client, groupID, instanceID string) error {
	// Not closed: that would close cl.
	resp, err := kadm.NewClient(cl).LeaveGroup(ctx, kadm.LeaveGroup(groupID).InstanceIDs(instanceID).Reason("the application is scaling down"))
	if err == nil {
		err = resp.Error()
	}
	if err == nil || errors.Is(err, kerr.UnknownMemberID) || errors.Is(err, kerr.GroupIDNotFound) {
		return nil
	}
	return fmt.Errorf("removing instance %s from group %s: %w; it goes by itself after its session timeout", instanceID, groupID, err)
}
