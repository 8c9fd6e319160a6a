// Command detector is an example of a detector outside the edge: it finds bright orange things, such as a traffic cone left in a
// fire lane, and calls them "orange". It is there to be read and replaced.
//
//	detector --listen 127.0.0.1:5000     serves POST /v1/vision/detection (the shape of DeepStack and CodeProject.AI)
//	detector                             answers JSON lines on its standard input, as a local process of the edge
//
// In: redacted JPEG pictures. Out: boxes with a label and a score. It keeps nothing, and knows nothing of cameras or people.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"gridgate/protocols/kit/loopback"
)

// maxPicture bounds what is read: bytes of a JPEG.
const maxPicture = 16 << 20

// prediction is a box in pixels of the picture.
type prediction struct {
	Label      string  `json:"label"`
	Confidence float64 `json:"confidence"`
	XMin       int     `json:"x_min"`
	YMin       int     `json:"y_min"`
	XMax       int     `json:"x_max"`
	YMax       int     `json:"y_max"`
}

func main() {
	listen := flag.String("listen", "", "serve HTTP on this address of loopback; without it, answer standard input")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if *listen != "" {
		err = serve(ctx, *listen)
	} else {
		err = answerLines(os.Stdin, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "detector:", err)
		os.Exit(1)
	}
}

// answerLines is the local process: a line {"id", "image"} in, a line {"id", "predictions"} out.
func answerLines(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), 2*maxPicture)
	for lines.Scan() {
		var question struct {
			ID    uint64 `json:"id"`
			Image []byte `json:"image"`
		}
		if err := json.Unmarshal(lines.Bytes(), &question); err != nil {
			return fmt.Errorf("read a question: %w", err)
		}
		found, err := find(question.Image)
		if err != nil {
			return err
		}
		if err := json.NewEncoder(out).Encode(map[string]any{"id": question.ID, "predictions": found}); err != nil {
			return err
		}
	}
	return lines.Err()
}

func serve(ctx context.Context, address string) error {
	if host, _, err := net.SplitHostPort(address); err != nil || !loopback.Host(host) {
		return fmt.Errorf("listen on %q: it is no address of loopback with a port", address)
	}
	server := &http.Server{Addr: address, Handler: handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second}
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stopped()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/vision/detection", func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxPicture)
		found, err := fromForm(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"success": true, "predictions": found}) // the client may have gone
	})
	return mux
}

func fromForm(r *http.Request) ([]prediction, error) {
	file, _, err := r.FormFile("image")
	if err != nil {
		return nil, errors.New("the form has no file named image")
	}
	defer file.Close()
	picture, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	return find(picture)
}

// find returns one box around everything orange, if that is at least a thousandth of the picture.
func find(picture []byte) ([]prediction, error) {
	img, err := jpeg.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, errors.New("the picture is not a JPEG")
	}
	size := img.Bounds()
	count, box := 0, image.Rectangle{Min: size.Max, Max: size.Min}
	for y := size.Min.Y; y < size.Max.Y; y++ {
		for x := size.Min.X; x < size.Max.X; x++ {
			r, g, b, _ := img.At(x, y).RGBA()
			if r < 0xc000 || g < r/4 || g > r*7/10 || b > r/3 {
				continue
			}
			count++
			box.Min.X, box.Min.Y = min(box.Min.X, x), min(box.Min.Y, y)
			box.Max.X, box.Max.Y = max(box.Max.X, x+1), max(box.Max.Y, y+1)
		}
	}
	found := []prediction{}
	if 1000*count >= size.Dx()*size.Dy() {
		filled := float64(count) / float64(box.Dx()*box.Dy())
		found = append(found, prediction{Label: "orange", Confidence: min(1, 0.5+filled), XMin: box.Min.X, YMin: box.Min.Y, XMax: box.Max.X, YMax: box.Max.Y})
	}
	return found, nil
}
