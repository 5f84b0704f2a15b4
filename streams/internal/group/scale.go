package group

import (
	"fmt"
	"strconv"
	"strings"
)

// ScaledAway reports whether a pod of a StatefulSet is one too many: its ordinal, the
// number behind the last dash of its name, is not below the number of replicas. With
// .spec.ordinals.start, which hardly anybody sets, it does not fit.
func ScaledAway(pod, replicas string) (bool, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(replicas), 10, 31)
	if err != nil {
		return false, fmt.Errorf("number of replicas: %w", err)
	}
	text := pod[strings.LastIndexByte(pod, '-')+1:]
	ordinal, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return false, fmt.Errorf("%q does not end in the ordinal of a StatefulSet's pod", pod)
	}
	return ordinal >= n, nil
}
