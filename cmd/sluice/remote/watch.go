package remote

import (
	"context"
	"strings"
	"time"
)

// watchInterval is the time between two looks.
const watchInterval = time.Second

// watch shows a page again and again until ctx ends, which is what ends a watch and is no error. What goes wrong is shown in the page's place: the worker
// may come back, and that is what is watched for.
func watch(ctx context.Context, out *screen, every time.Duration, show func(ctx context.Context, page *screen) error) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		var text strings.Builder
		page := *out
		page.Writer = &text
		if err := show(ctx, &page); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			text.WriteString(hinted(err).Error() + "\n")
		}
		out.printf("%s%s", out.clear(), text.String())
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}
