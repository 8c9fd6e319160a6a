// Draws a made-up street as a PNG, so that the mock needs no picture file. Nobody and nothing real is in it.
import { deflateSync } from 'node:zlib';

const table = Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

function crc(bytes) {
  let c = 0xffffffff;
  for (const b of bytes) c = table[(c ^ b) & 0xff] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc(body), body.length + 4);
  return out;
}

/** A scene of w by h points; n moves the pixelated figures about. */
export function scene(n, w = 480, h = 270) {
  const raw = Buffer.alloc((w * 3 + 1) * h);
  const put = (x, y, [r, g, b]) => {
    if (x < 0 || y < 0 || x >= w || y >= h) return;
    raw.set([r, g, b], y * (w * 3 + 1) + 1 + x * 3);
  };
  const box = (x, y, bw, bh, color) => {
    for (let j = y; j < y + bh; j++) for (let i = x; i < x + bw; i++) put(i, j, color);
  };
  for (let y = 0; y < h; y++) {
    const sky = y < h * 0.42;
    for (let x = 0; x < w; x++) {
      const noise = ((x * 7 + y * 13 + n * 5) % 9) - 4;
      put(x, y, sky ? [46 + y / 3 + noise, 58 + y / 3 + noise, 74 + y / 4 + noise] : [70 + noise + y / 8, 72 + noise + y / 8, 70 + noise + y / 9]);
    }
  }
  for (let i = 0; i < 6; i++) box(i * 84 - 10, 40 + ((i * 37) % 40), 62, 90, [52 + i * 4, 56 + i * 3, 62 + i * 2]);
  for (let i = 0; i < 6; i++) for (let k = 0; k < 4; k++) box(i * 84 + 4 + (k % 2) * 24, 60 + ((i * 37) % 40) + (k >> 1) * 26, 10, 12, [196, 178, 112]);
  for (let i = 0; i < 7; i++) box(20 + i * 70, 205, 36, 5, [150, 150, 140]);
  for (let f = 0; f < 1 + (n % 3); f++) {
    const x = 60 + ((n * 83 + f * 131) % 330);
    for (let j = 0; j < 9; j++) for (let i = 0; i < 4; i++) {
      const v = 60 + ((i * 31 + j * 17 + n * 11 + f * 7) % 90);
      box(x + i * 7, 128 + j * 8, 7, 8, [v + 30, v + 12, v]);
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(w, 0);
  head.writeUInt32BE(h, 4);
  head.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), chunk('IHDR', head), chunk('IDAT', deflateSync(raw)), chunk('IEND', Buffer.alloc(0)),
  ]);
}
