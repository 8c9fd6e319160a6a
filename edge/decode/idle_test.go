package decode

import (
	"bytes"
	"image/jpeg"
	"reflect"
	"testing"
	"time"

	"gridgate/deploy/testkit/footage"
	"gridgate/protocols/picture"
)

// TestWhatIsIdleWaitsForAllElse, however long it waited, and costs evidence none of its turns.
func TestWhatIsIdleWaitsForAllElse(t *testing.T) {
	now := time.Unix(0, 0)
	q := newFairQueue(func() time.Time { return now })
	push := func(id uint32, o op, idle bool) {
		if err := q.push(&job{request: request{id: id, op: o, stream: "a", idle: idle}}); err != nil {
			t.Fatal(err)
		}
	}
	push(1, opPictures, true)
	now = now.Add(10 * patience)
	push(2, opPictures, false)
	push(3, opKeyframe, false)
	var order []uint32
	for range 3 {
		j := q.take()
		order = append(order, j.request.id)
		if j.request.idle {
			push(4, opKeyframe, false)
			push(5, opPictures, false)
			q.charge(j, time.Minute)
			if q.owed != 0 {
				t.Errorf("%v are owed to samples for what was idle", q.owed)
			}
		}
	}
	if want := []uint32{3, 2, 1}; !reflect.DeepEqual(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
}

// TestAPictureCanBeNarrower than it would be, and never wider; it is redacted as any other.
func TestAPictureCanBeNarrower(t *testing.T) {
	p := startPool(t, "decode", PoolOptions{})
	all := units(t, footage.H264(t, footage.Clip{Width: 640, Height: 360, Seconds: 1, FPS: 5}))
	left := picture.Mask{{X: 0, Y: 0}, {X: 0.5, Y: 0}, {X: 0.5, Y: 1}, {X: 0, Y: 1}}
	for width, want := range map[int]int{0: 480, 200: 200, 5000: 480, -1: 480, 1 << 20: 480} {
		pics, err := p.Pictures(t.Context(), PictureRequest{Units: all[:1], Masks: []picture.Mask{left}, MaxWidth: width, Idle: true})
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.Decode(bytes.NewReader(pics[0].JPEG))
		if err != nil {
			t.Fatal(err)
		}
		b := img.Bounds()
		if b.Dx() != want || b.Dy() < want*9/16-1 || b.Dy() > want*9/16+1 {
			t.Errorf("at most %d wide: %v", width, b)
		}
		b.Max.X = b.Dx() * 45 / 100
		if under := spread(img, b); under > 24 {
			t.Errorf("at most %d wide: brightness varies by %d under the mask", width, under)
		}
	}
}
