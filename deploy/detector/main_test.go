package main

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/detect"
	"gridgate/edge/detect/remote"
	"gridgate/protocols/alert"
)

// TestMain lets this test binary be the detector itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "as-detector" {
		if err := answerLines(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// cone is a grey picture of 200x100 pixels with an orange box in its right half, if wanted.
func cone(t *testing.T, orange bool) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 200, 100))
	draw.Draw(img, img.Rect, image.NewUniform(color.Gray{Y: 120}), image.Point{}, draw.Src)
	if orange {
		draw.Draw(img, image.Rect(140, 40, 160, 80), image.NewUniform(color.RGBA{R: 255, G: 120, B: 10, A: 255}), image.Point{}, draw.Src)
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

type still struct{ jpeg []byte }

func (s still) Picture(context.Context) (decode.Picture, error) {
	return decode.Picture{JPEG: s.jpeg, Width: 200, Height: 100}, nil
}
func (s still) Faces(context.Context) ([]decode.Face, error) { return nil, nil }

func TestTheEdgeAsksTheExample(t *testing.T) {
	labels := map[string]alert.Kind{"orange": alert.LeftObject}
	t.Run("process", func(t *testing.T) {
		ask(t, remote.Options{Name: "cones", Command: []string{os.Args[0], "as-detector"}, Labels: labels, Timeout: 30 * time.Second})
	})
	t.Run("http", func(t *testing.T) {
		server := httptest.NewServer(handler())
		defer server.Close()
		ask(t, remote.Options{Name: "cones", URL: server.URL + "/v1/vision/detection", Labels: labels, Timeout: 30 * time.Second})
	})
}

func TestServesLoopbackOnly(t *testing.T) {
	for _, address := range []string{":5000", "0.0.0.0:5000", "192.0.2.7:5000", "127.0.0.1", "localhost.example:5000"} {
		if err := serve(t.Context(), address); err == nil || !strings.Contains(err.Error(), "loopback") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// ask shows a detector pictures without and with a cone.
func ask(t *testing.T, o remote.Options) {
	t.Helper()
	d, err := remote.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	defer func() { cancel(); <-done }()
	lane := detect.Zone{Name: "fire lane", Polygon: detect.Polygon{{X: 0.5, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0.5, Y: 1}}}
	hook := d.Hook([]detect.Zone{lane})
	for _, orange := range []bool{false, true, false} {
		v, err := hook.Detect(t.Context(), detect.Input{Look: still{cone(t, orange)}})
		if err != nil || (len(v.Detections) == 1) != orange {
			t.Fatalf("orange %v: %+v, %v", orange, v, err)
		}
		if orange && (v.Detections[0].Zone != "fire lane" || v.Detections[0].Kind != alert.LeftObject) {
			t.Errorf("%+v", v.Detections[0])
		}
	}
}

func TestAnswersLines(t *testing.T) {
	question, err := json.Marshal(map[string]any{"id": 7, "image": cone(t, true)})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := answerLines(bytes.NewReader(append(question, '\n')), &out); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), `{"id":7,"predictions":[{"label":"orange",`) {
		t.Error(out.String())
	}
	if err := answerLines(strings.NewReader("hello\n"), &out); err == nil {
		t.Error("a line that is no question was taken")
	}
}
