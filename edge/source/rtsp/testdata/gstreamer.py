# An RTSP server that is not ours, for the interoperability test: prints its port, then serves until it is killed.
import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer

Gst.init(None)
source = "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=160,height=96,framerate=25/1 ! "
streams = {
    "/h264": "x264enc tune=zerolatency key-int-max=10 ! rtph264pay name=pay0 pt=96 config-interval=0",
    "/sliced": "x264enc tune=zerolatency sliced-threads=true threads=4 key-int-max=10 ! rtph264pay name=pay0 pt=96",
    "/refresh": "x264enc tune=zerolatency intra-refresh=true key-int-max=10 ! rtph264pay name=pay0 pt=96",
    "/interlaced": "x264enc interlaced=true bframes=2 key-int-max=10 ! rtph264pay name=pay0 pt=96",
    "/h265": "x265enc tune=zerolatency key-int-max=10 ! rtph265pay name=pay0 pt=97",
    "/mjpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
}
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service("0")
for path, pipeline in streams.items():
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch("( " + source + pipeline + " )")
    server.get_mount_points().add_factory(path, factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
