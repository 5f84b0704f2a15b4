package cluster

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Reasons of the events, as kubectl shows them.
const (
	ClaimDeleted  = "LostClaimDeleted"
	PodDeleted    = "StuckPodDeleted"
	MemberRemoved = "StaticMemberRemoved"
	VolumeCleaned = "AbandonedVolumeDeleted"
	HeldBack      = "RescueHeldBack"
)

// component is who the events are from.
const component = "millrace-rescue"

// Tell leaves an event at the set. What the tool does does not hang on it.
func (c *Cluster) Tell(ctx context.Context, s *appsv1.StatefulSet, reason, message string) error {
	kind := corev1.EventTypeNormal
	if reason == HeldBack {
		kind = corev1.EventTypeWarning
	}
	at := metav1.NewTime(c.Now())
	_, err := c.API.CoreV1().Events(c.Namespace).Create(ctx, &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s.%x.%s", s.Name, at.UnixNano(), strings.ToLower(reason)), Namespace: c.Namespace},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: "apps/v1", Kind: "StatefulSet", Namespace: s.Namespace, Name: s.Name, UID: s.UID,
		},
		Reason: reason, Message: message, Type: kind, Source: corev1.EventSource{Component: component},
		FirstTimestamp: at, LastTimestamp: at, Count: 1,
	}, metav1.CreateOptions{})
	return err
}
