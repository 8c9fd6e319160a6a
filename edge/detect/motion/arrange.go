package motion

import "gridgate/edge/detect"

// Arrange implements [detect.Arranger]. The background and what is known of swaying parts stay, so that nothing has to be learnt anew; a
// zone that has kept its name goes on as it is, so that what is active in it neither ends nor begins by the change.
func (d *Detector) Arrange(zones []detect.Zone, masks []detect.Polygon) error {
	a, err := newArea(Options{Zones: zones, Masks: masks})
	if err != nil {
		return err
	}
	d.next.Store(a)
	return nil
}

// Check says whether zones and masks can be taken by [New] and [Detector.Arrange].
func Check(zones []detect.Zone, masks []detect.Polygon) error {
	_, err := newArea(Options{Zones: zones, Masks: masks})
	return err
}

// rearrange takes over what Arrange left.
func (d *Detector) rearrange() {
	a := d.next.Swap(nil)
	if a == nil {
		return
	}
	a.inherit(d.area)
	d.area, d.scene.Visible = a, a.count
	d.memory.restart(a)
}

// inherit goes on with the states of the zones of before, by their names.
func (a *area) inherit(before *area) {
	for i := range a.zones {
		for _, old := range before.zones {
			if old.name == a.zones[i].name {
				old.smallest, old.enough, old.demanded, old.runs = a.zones[i].smallest, a.zones[i].enough, a.zones[i].demanded, a.zones[i].runs
				a.zones[i] = old
			}
		}
	}
}
