package e2e

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"math"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/image/draw"

	"gridgate/deploy/testkit/rtspcam"
	"gridgate/deploy/testkit/township"
)

// The face in face.h264, and a patch of lawn beside the photograph, in pixels of the 640x544 picture.
var (
	faceAt = image.Rect(268, 237, 314, 283)
	lawnAt = image.Rect(250, 10, 450, 130)
)

// TestNoUnredactedPictureIsWrittenOrSent plays a photograph with a large face, waits for the alert's picture, and looks for
// the face, and for the coded video, in every file of the township and in every request that the edge made.
func TestNoUnredactedPictureIsWrittenOrSent(t *testing.T) {
	clip := footage(t, "face.h264")
	original := frameAt(t, clip, "10")
	wire := &recorder{}
	proxy := httptest.NewServer(wire)
	t.Cleanup(proxy.Close)

	dir := t.TempDir()
	town, err := township.Open(township.Options{Dir: dir, Bin: bin, AnyPorts: true, Through: proxy.URL})
	if err != nil {
		t.Fatal(err)
	}
	wire.forwardTo(t, town.CentralURL())
	addCamera(t, town, clip)
	if err := town.Configure(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { town.Stop() })
	if err := town.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a motion alert with a picture", func(ctx context.Context) (bool, error) {
		alerts, err := api(town).Alerts(ctx, url.Values{"kind": {"motion"}, "state": {"raised"}})
		return len(alerts) > 0 && len(alerts[0].Evidence) > 0, err
	})
	if err := town.Stop(); err != nil {
		t.Fatal(err)
	}

	if self := detail(original, original, faceAt); self < 0.99 {
		t.Fatalf("the measure does not find the face in the original: %.2f", self)
	}
	secret := codedPiece(t, clip)
	scenes := 0
	for name, data := range everything(t, dir, wire) {
		if bytes.Contains(data, secret) {
			t.Errorf("%s holds coded video", name)
		}
		for _, picture := range picturesIn(data) {
			same, ratio := shrunk(original, picture.Bounds())
			if same == nil || detail(same, picture, scaled(lawnAt, ratio)) < 0.5 {
				continue
			}
			scenes++
			if d := detail(same, picture, scaled(faceAt, ratio)); d > 0.35 {
				t.Errorf("%s shows the face: its detail correlates by %.2f", name, d)
			}
		}
	}
	if scenes < 2 {
		t.Errorf("%d pictures of the scene were found, want the one sent and the one stored", scenes)
	}
}

// recorder is a proxy between the edge and central that keeps every request's body.
type recorder struct {
	proxy  *httputil.ReverseProxy
	mu     sync.Mutex
	bodies map[string][]byte
}

func (r *recorder) forwardTo(t *testing.T, base string) {
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	r.proxy, r.bodies = httputil.NewSingleHostReverseProxy(u), map[string][]byte{}
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	req.Body = io.NopCloser(bytes.NewReader(body))
	r.mu.Lock()
	r.bodies["request "+req.URL.Path] = append(r.bodies["request "+req.URL.Path], body...)
	r.mu.Unlock()
	r.proxy.ServeHTTP(w, req)
}

// everything is what the township wrote and what the edge sent, by name.
func everything(t *testing.T, dir string, wire *recorder) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		all[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	wire.mu.Lock() // a request that the edge broke off may be at its end yet
	defer wire.mu.Unlock()
	for name, body := range wire.bodies {
		all[name] = body
	}
	return all
}

// picturesIn decodes every JPEG and PNG that begins anywhere in data.
func picturesIn(data []byte) (found []image.Image) {
	for _, start := range []string{"\xff\xd8\xff", "\x89PNG"} {
		for rest := data; ; rest = rest[1:] {
			i := bytes.Index(rest, []byte(start))
			if i < 0 {
				break
			}
			rest = rest[i:]
			if img, _, err := image.Decode(bytes.NewReader(rest)); err == nil {
				found = append(found, img)
			}
		}
	}
	return found
}

// frameAt decodes the picture at second with ffmpeg and encodes it once as JPEG, as evidence would be.
func frameAt(t *testing.T, clip, second string) image.Image {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-v", "error", "-r", "10", "-i", clip, "-ss", second, "-frames:v", "1", "-f", "image2pipe", "-c:v", "png", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	var coded bytes.Buffer
	if err := jpeg.Encode(&coded, img, &jpeg.Options{Quality: 85}); err != nil {
		t.Fatal(err)
	}
	img, err = jpeg.Decode(&coded)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// shrunk is the original at the size of a stored picture, and by how much it shrank; nil if that has another shape.
func shrunk(original image.Image, to image.Rectangle) (same image.Image, ratio float64) {
	from := original.Bounds()
	ratio = float64(to.Dx()) / float64(from.Dx())
	if math.Abs(float64(to.Dy())-ratio*float64(from.Dy())) > 2 || ratio < 0.25 {
		return nil, 0
	}
	out := image.NewRGBA(to)
	draw.CatmullRom.Scale(out, to, original, from, draw.Src, nil)
	return out, ratio
}

func scaled(r image.Rectangle, ratio float64) image.Rectangle {
	at := func(v int) int { return int(math.Round(float64(v) * ratio)) }
	return image.Rect(at(r.Min.X), at(r.Min.Y), at(r.Max.X), at(r.Max.Y))
}

// detail correlates the horizontal differences of neighbouring pixels inside r: 1 for the same picture, about 0 where one of
// the two has no detail.
func detail(a, b image.Image, r image.Rectangle) float64 {
	luma := func(img image.Image, x, y int) float64 {
		return float64(color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y)
	}
	var ab, aa, bb float64
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X-1; x++ {
			da, db := luma(a, x+1, y)-luma(a, x, y), luma(b, x+1, y)-luma(b, x, y)
			ab, aa, bb = ab+da*db, aa+da*da, bb+db*db
		}
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

// codedPiece is a stretch from the middle of the largest coded picture.
func codedPiece(t *testing.T, clip string) []byte {
	t.Helper()
	data, err := os.ReadFile(clip)
	if err != nil {
		t.Fatal(err)
	}
	var largest []byte
	for _, nalu := range rtspcam.SplitNALUs(data) {
		if len(nalu) > len(largest) {
			largest = nalu
		}
	}
	middle := len(largest) / 2
	return largest[middle : middle+64]
}
