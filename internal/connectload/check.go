package main

import (
	"context"
	"slices"

	"github.com/moneykit/moneykit-go"
)

// check compares the links of the users with the links at MoneyKit and in the application.
func (l *load) check(ctx context.Context) {
	stored := map[string][]string{}
	for linkID, rec := range l.app.links {
		if rec.gone {
			continue
		}
		stored[rec.user] = append(stored[rec.user], linkID)
		if rec.broken {
			l.wrong.add("the application stores the link %s as broken", linkID)
		}
	}
	for _, linkID := range stored[""] {
		if !l.refused(linkID) {
			l.wrong.add("the link %s has webhooks, but no user", linkID)
		}
	}
	l.each(l.users, func(i int) {
		if err := l.checkUser(ctx, i, stored[userID(i)]); err != nil {
			l.wrong.add("%s: %v", userID(i), err)
		}
	})

	// No other user may have links.
	total := int64(0)
	for _, err := range l.client.Links.All(ctx, moneykit.LinkListParams{}) {
		if err != nil {
			l.wrong.add("listing all links: %v", err)
			return
		}
		total++
	}
	if total != l.links.Load()+l.orphans.Load() {
		l.wrong.add("MoneyKit has %d connected links, not %d and %d orphans", total, l.links.Load(), l.orphans.Load())
	}
}

// refused reports whether a link was created for a user who then had to start over.
func (l *load) refused(linkID string) bool {
	return slices.ContainsFunc(l.kept, func(links map[string]bool) bool {
		kept, ok := links[linkID]
		return ok && !kept
	})
}

// checkUser compares the links of one user.
func (l *load) checkUser(ctx context.Context, i int, stored []string) error {
	user, kept := userID(i), l.kept[i]
	theirs, err := l.client.Users.Links(ctx, user)
	if err != nil {
		return err
	}
	for linkID, want := range kept {
		if want && !slices.Contains(stored, linkID) {
			l.wrong.add("%s: the application has lost the link %s", user, linkID)
		}
		if _, ok := theirs.Links[linkID]; want && !ok {
			l.wrong.add("%s: MoneyKit has lost the link %s", user, linkID)
		}
	}
	for _, linkID := range stored {
		if !kept[linkID] {
			l.wrong.add("%s: the application has a link %s that is not theirs", user, linkID)
		}
	}
	for linkID := range theirs.Links {
		want, known := kept[linkID]
		if !known {
			l.wrong.add("%s: MoneyKit has a link %s that nobody made", user, linkID)
			continue
		}
		link, err := l.client.Links.Get(ctx, linkID)
		if err != nil {
			return err
		}
		if !want {
			if link.State == moneykit.LinkStateConnected {
				l.orphans.Add(1)
			}
			continue
		}
		if link.State != moneykit.LinkStateConnected || link.Webhook != l.app.webhook(user) || !slices.Equal(link.Tags, tags(user)) {
			l.wrong.add("%s: the link %s is %s, with the webhook %q and the tags %q", user, linkID, link.State, link.Webhook, link.Tags)
		}
	}
	return nil
}
