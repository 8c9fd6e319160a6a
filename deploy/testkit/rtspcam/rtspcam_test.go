package rtspcam_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtp"
	"gridgate/deploy/testkit/footage"
	"gridgate/deploy/testkit/leak"
	"gridgate/deploy/testkit/rtspcam"
)

func TestMain(m *testing.M) { leak.Main(m) }

// view plays a camera with the library's own client and returns the timestamps of n packets.
func view(t *testing.T, address string, n int) []uint32 {
	t.Helper()
	u, err := base.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	tcp := gortsplib.TransportTCP
	client := gortsplib.Client{Scheme: u.Scheme, Host: u.Host, Transport: &tcp}
	if err := client.Start2(); err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	desc, _, err := client.Describe(u)
	if err != nil {
		t.Fatal(err)
	}
	var forma *format.H264
	media := desc.FindFormat(&forma)
	if _, err := client.Setup(desc.BaseURL, media, 0, 0); err != nil {
		t.Fatal(err)
	}
	stamps := make(chan uint32, n)
	client.OnPacketRTP(media, forma, func(pkt *rtp.Packet) {
		select {
		case stamps <- pkt.Timestamp:
		default:
		}
	})
	if _, err := client.Play(nil); err != nil {
		t.Fatal(err)
	}
	var got []uint32
	for deadline := time.After(time.Minute); len(got) < n; {
		select {
		case s := <-stamps:
			got = append(got, s)
		case <-deadline:
			t.Fatalf("only %d packets", len(got))
		}
	}
	return got
}

func TestTimeGoesOnOverTheLoop(t *testing.T) {
	file := footage.H264(t, footage.Clip{Width: 160, Height: 96, FPS: 5, Seconds: 1, GOP: 5})
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, opt := range map[string]rtspcam.Options{"file": {File: file}, "memory": {Units: [][]byte{data}}} {
		t.Run(name, func(t *testing.T) {
			opt.FPS = 100
			cam, err := rtspcam.Start(t.Context(), opt)
			if err != nil {
				t.Fatal(err)
			}
			defer cam.Close()
			stamps := view(t, cam.URL(), 40)
			for i := 1; i < len(stamps); i++ {
				if d := stamps[i] - stamps[i-1]; d != 0 && d != 900 {
					t.Fatalf("packet %d is %d ticks after the one before", i, d)
				}
			}
		})
	}
}

func TestCamerasShareAListener(t *testing.T) {
	server, err := rtspcam.Listen(rtspcam.ServerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	file := footage.H264(t, footage.Clip{Width: 160, Height: 96, FPS: 5, Seconds: 1, GOP: 5})
	for _, path := range []string{"/square", "/alley"} {
		cam, err := server.Add(context.Background(), rtspcam.Options{Path: path, File: file, FPS: 50})
		if err != nil {
			t.Fatal(err)
		}
		defer cam.Close()
		view(t, cam.URL(), 5)
	}
	if _, err := server.Add(t.Context(), rtspcam.Options{Path: "/alley", File: file}); err == nil {
		t.Fatal("a path was given twice")
	}
}
