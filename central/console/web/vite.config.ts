import { defineConfig } from 'vitest/config';
import { serviceWorker } from './dev/sw.mjs';

// The build goes where the Go program embeds it. public/.keep is copied along, so that emptying the folder keeps the
// file that git tracks. Nothing is inlined: the server's policy allows scripts and styles from its own origin only.
export default defineConfig({
  plugins: [serviceWorker()],
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    target: ['chrome90', 'edge90', 'firefox90', 'safari15'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: { host: '127.0.0.1', proxy: { '/v1': 'http://127.0.0.1:8790' } },
  test: { include: ['test/*.test.ts'], css: true, testTimeout: 60_000 }, // a busy machine may take a minute for what takes a moment
});
