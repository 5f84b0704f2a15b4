package seam_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/streams/internal/seam"
)

func TestThroughAContext(t *testing.T) {
	t.Parallel()
	require.Nil(t, seam.From(context.Background()).Hook)
	crash := errors.New("crash")
	ctx := seam.With(context.Background(), seam.Seams{Hook: func(step string) error {
		if step == "end" {
			return crash
		}
		return nil
	}})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	require.ErrorIs(t, seam.From(ctx).Hook("end"), crash)
	require.NoError(t, seam.From(ctx).Hook("send"))
}
