// The service worker: makes the page open without a network. It keeps the files of one build, the page and its hashed assets, and nothing
// else: a question to central passes it by, so that no answer and no picture is ever kept.
//
// FILES is what the build puts here: those that the worker's page needs. A new build is a new file and a new cache; it takes over once no
// page of the old one is open, and removes the old cache then.
/* global FILES, BUILD */
const NAME = `gridgate-page-${BUILD}`;
const PAGE = '/';
const PATIENCE = 4000;

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(FILES.map((f) => new Request(f, { cache: 'no-cache' })))));
});

self.addEventListener('activate', (event) => {
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter((n) => n.startsWith('gridgate-page-') && n !== NAME).map((n) => caches.delete(n)))));
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  if (request.mode === 'navigate' && !url.pathname.startsWith('/v1/')) event.respondWith(page(request));
  else if (FILES.includes(url.pathname)) event.respondWith(kept(url.pathname, request));
});

// The page as central has it, if that answers soon; else the one that is kept.
async function page(request) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), PATIENCE);
  try {
    return await fetch(request.url, { signal: stop.signal, credentials: 'same-origin', cache: 'no-cache' });
  } catch {
    return kept(PAGE, request);
  } finally {
    clearTimeout(timer);
  }
}

async function kept(path, request) {
  const found = await (await caches.open(NAME)).match(path);
  return found ?? fetch(request);
}
