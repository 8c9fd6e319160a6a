/** Makes the page open without a network: the service worker keeps the files of this build, and nothing of central's answers. */
export function keepPage(): void {
  // A browser without one, or an address without TLS, still has the page while it is open.
  void navigator.serviceWorker?.register('/sw.js', { scope: '/', updateViaCache: 'none' }).catch(() => undefined);
}

/** Asks the browser not to clear what waits to be sent. */
export function keepData(): void {
  void navigator.storage?.persist?.().catch(() => undefined);
}
