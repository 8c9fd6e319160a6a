package parts

import (
	"context"
	"encoding/json"
	"fmt"

	"gridgate/central/notify"
	"gridgate/central/setup"
)

// Notify is who is told what as a part, and the way to change it.
type Notify struct {
	*setup.Part[*notify.Desk]
	cache *setup.Cache
}

// AddNotify adds who is told what to a cache. While nothing is set up nobody is told. Channels are not judged here: one that left the
// configuration must not take the others with it.
func AddNotify(c *setup.Cache) (*Notify, error) {
	initial, err := notify.NewDesk(notify.Setup{}, nil)
	if err != nil {
		return nil, err
	}
	build := func(docs setup.Documents) (*notify.Desk, error) {
		list := docs[notify.Kind]
		if len(list) == 0 {
			return notify.NewDesk(notify.Setup{}, nil)
		}
		if list[0].ID != notify.DocumentID {
			return nil, fmt.Errorf("%s: the one document of this kind is %s", list[0].ID, notify.DocumentID)
		}
		return notify.Parse(list[0].Body, nil)
	}
	return &Notify{Part: setup.Add(c, "who is told what", []string{notify.Kind}, initial, build), cache: c}, nil
}

// Put stores the whole of it.
func (n *Notify) Put(ctx context.Context, body json.RawMessage, how Change) error {
	_, err := apply(ctx, n.cache, notify.Kind, nil, map[string]json.RawMessage{notify.DocumentID: body}, how)
	return err
}
