package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"gridgate/deploy/testkit/rtspcam"
	"gridgate/deploy/testkit/stage"
	"gridgate/deploy/testkit/township"
)

// The grids of the demonstration township.
const (
	squareGrid = "110101001001001"
	lawnGrid   = "110101001001002"
	riverGrid  = "110101001001003"
)

// addCameras serves the footage as RTSP cameras, or takes the address of a real one.
func addCameras(ctx context.Context, town *township.Township, o Options) (stop func(), err error) {
	if o.Camera != "" {
		return func() {}, addRealCamera(town, o.Camera)
	}
	square := o.Footage + "/square.h264"
	if o.Play != "" {
		square = o.Play
	}
	listen, err := stage.FreeAddress("127.0.0.1:18554")
	if err != nil {
		return nil, err
	}
	server, err := rtspcam.Listen(rtspcam.ServerOptions{Listen: listen})
	if err != nil {
		return nil, fmt.Errorf("listen for the cameras' viewers: %w", err)
	}
	var playing []*rtspcam.Camera
	stop = func() {
		for _, c := range playing {
			c.Close()
		}
		server.Close()
	}
	for _, c := range []struct{ id, file, kind, grid string }{
		{"square", square, "square", squareGrid},
		{"lawn", o.Footage + "/quiet.h264", "park", lawnGrid},
	} {
		cam, err := server.Add(ctx, rtspcam.Options{
			Path: "/" + c.id, File: c.file, FPS: 10, User: "viewer", Password: town.Secret(township.CameraPassword),
		})
		if err != nil {
			stop()
			return nil, fmt.Errorf("start camera %s: %w", c.id, err)
		}
		playing = append(playing, cam)
		town.AddCamera(township.Camera{
			ID: c.id, URL: cam.URL(), Username: "viewer", Password: township.CameraPassword, Kind: c.kind, Grid: c.grid,
		})
	}
	return stop, nil
}

// addRealCamera splits rtsp://user:pass@host/stream: the password goes to a file, the rest to the configuration.
func addRealCamera(town *township.Township, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return errors.New("CAMERA is not an address like rtsp://user:pass@host/stream")
	}
	c := township.Camera{ID: "camera", Kind: "entrance", Grid: squareGrid}
	if u.User != nil {
		password, _ := u.User.Password()
		c.Username, c.Password = u.User.Username(), "real-camera-password"
		if err := town.SetSecret(c.Password, password); err != nil {
			return err
		}
	}
	u.User = nil
	c.URL = u.String()
	town.AddCamera(c)
	return nil
}
