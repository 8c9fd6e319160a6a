// Scrolls through ROWS rows of the feed (100,000 unless said) in Chromium, by wheel and by long jumps, while alerts arrive, and prints one line of
// JSON: frames a second, the longest frame, what the rows take of memory. node dev/scroll.mjs [ROWS]; the page is DIST or the last build.
import { browser } from './shoot.mjs';
import { Mock } from './mock.mjs';

const WANTED = Number(process.argv[2] ?? 100_000);
const SECONDS = 5;
const STORM = 50; // alerts a second

/** Alerts of many devices and cases, without pictures, as central would list them. */
function fill(world, n) {
  world.alertPosition = n;
  const first = world.raise(3, { picture: false });
  const at = Date.now();
  const made = Array.from({ length: n - 1 }, (_, i) => {
    const time = new Date(at - (i + 1) * 400).toISOString();
    const id = crypto.randomUUID();
    return {
      ...first, id, situation: id, position: first.position - 1 - i, device: `level-${i % 700}`, source: `/edges/edge-demo-a/sensors/level-${i % 700}`,
      key: `edge-demo-a/level-${i % 700}/${i % 3000}`, caseId: `old-${i % 3000}`, occurredAt: time, raisedAt: time, receivedAt: time, severity: ['info', 'minor', 'major', 'critical'][i % 4],
    };
  });
  world.alerts.push(...made);
}

const rows = (page) => page.getByTestId('feed-rows').evaluate((e) => Number(e.dataset.rows));

async function loadAll(page) {
  for (let n = await rows(page), same = 0; n < WANTED && same < 100;) {
    await page.getByTestId('feed-scroll').evaluate((e) => e.scrollTo(0, e.scrollHeight));
    await page.waitForTimeout(30);
    const now = await rows(page);
    same = now === n ? same + 1 : 0;
    n = now;
  }
}

/** Counts frames while the list is scrolled by a step each frame; a step of 0 rows stands for jumps anywhere. */
const measure = (page, step) => page.getByTestId('feed-scroll').evaluate((e, { step, seconds }) => new Promise((done) => {
  const frames = [];
  let last = performance.now();
  const end = last + seconds * 1000;
  const height = parseFloat(getComputedStyle(e).getPropertyValue('--row'));
  let [by, seen, blank] = [step * height, 0, 0];
  const next = (now) => {
    frames.push(now - last);
    last = now;
    const middle = e.getBoundingClientRect();
    seen++;
    if (!document.elementFromPoint(middle.left + middle.width / 2, middle.top + middle.height / 2)?.closest('li')) blank++;
    if (now >= end) return done({ frames, seen, blank });
    if (by === 0) e.scrollTop = Math.random() * e.scrollHeight;
    else if (e.scrollTop + by < 0 || e.scrollTop + by > e.scrollHeight - e.clientHeight) by = -by;
    if (by !== 0) e.scrollTop += by;
    requestAnimationFrame(next);
  };
  e.scrollTop = e.scrollHeight / 2;
  requestAnimationFrame(next);
}), { step, seconds: SECONDS });

function summary({ frames, seen, blank }) {
  const sorted = frames.slice(1).sort((a, b) => a - b);
  const sum = sorted.reduce((n, f) => n + f, 0);
  const round = (n) => Math.round(n * 10) / 10;
  return { fps: round((1000 * sorted.length) / sum), p99Ms: round(sorted[Math.floor(sorted.length * 0.99)]), maxMs: round(sorted.at(-1)), blank: round((100 * blank) / seen) };
}

const mock = new Mock();
mock.signedIn = true;
fill(mock.world, WANTED + 500);
const base = await mock.listen();
const chrome = await browser();
const page = await chrome.newPage({ viewport: { width: 1366, height: 768 } });
const session = await page.context().newCDPSession(page);
const heap = async () => {
  await session.send('HeapProfiler.collectGarbage');
  return (await session.send('Runtime.getHeapUsage')).usedSize;
};
await page.goto(base);
await page.getByTestId('feed-row').first().waitFor();
const before = { heap: await heap(), rows: await rows(page) };
const from = performance.now();
await loadAll(page);
const loadSeconds = (performance.now() - from) / 1000;
const n = await rows(page);
const bytes = Math.round(((await heap()) - before.heap) / (n - before.rows));
const wheel = summary(await measure(page, 1.5));
const jumps = summary(await measure(page, 0));
let i = 0;
const storm = setInterval(() => mock.world.raise(i, { picture: false, key: `storm${i++ % 400}` }), 1000 / STORM);
const stormed = summary(await measure(page, 1.5));
clearInterval(storm);
const waited = await page.getByTestId('new-pill').innerText();
const alive = performance.now();
await page.getByTestId('new-pill').click();
await page.waitForFunction((least) => Number(document.querySelector('[data-testid=feed-rows]').dataset.rows) > least, n);
const showMs = Math.round(performance.now() - alive);
console.log(JSON.stringify({ rows: n, bytesPerRow: bytes, loadSeconds: Math.round(loadSeconds), wheel, jumps, storm: { perSecond: STORM, ...stormed, arrived: i, waited, showMs } }));
await chrome.close();
await mock.close();
