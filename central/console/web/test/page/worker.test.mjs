// The worker's page in a real Chromium of a telephone's size, against the mock.
import { beforeEach, expect, test } from 'vitest';
import { stage } from './stage.mjs';

let mock;
let base;
let page;
let mine;

stage((s) => ({ mock, base, page } = s), {
  prepare: (m) => Object.assign(m, { role: 'worker', unit: 'fire', signedIn: true }),
  device: { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 }, schemes: ['blob:'],
});

beforeEach(() => {
  mock.world.raise(1);
  mock.world.raise(3);
  mine = [...mock.world.cases.values()].find((c) => c.kind === 'smoke');
  mock.world.step(mine, { action: 'dispatch', to: 'dispatch', reasons: [] }, { unit: 'fire', note: '3 号楼 2 层楼道' });
});

const by = (id) => page.getByTestId(id);
const states = () => by('work-item').evaluateAll((all) => all.map((e) => e.dataset.state));
const done = () => mock.world.history.get(mine.id).filter((e) => e.type === 'stepped').map((e) => e.action);

/** A photo of six megapixels. */
async function photo() {
  const url = await page.evaluate(() => {
    const c = document.createElement('canvas');
    [c.width, c.height] = [3000, 2000];
    c.getContext('2d').fillRect(100, 100, 900, 900);
    return c.toDataURL('image/jpeg');
  });
  return { name: 'a.jpg', mimeType: 'image/jpeg', buffer: Buffer.from(url.split(',')[1], 'base64') };
}

/** Pixels of the photos that are kept on the telephone. */
const keptPixels = () => page.evaluate(() => new Promise((resolve) => {
  const asked = indexedDB.open('gridgate.worker');
  asked.onsuccess = () => {
    const all = asked.result.transaction('outbox').objectStore('outbox').getAll();
    all.onsuccess = async () => resolve(await Promise.all(all.result.filter((e) => e.photo).map(async (e) => {
      const b = await createImageBitmap(e.photo);
      return b.width * b.height;
    })));
  };
}));

async function open() {
  await page.goto(base);
  await by('work-card').tap();
  await by('work-case').waitFor();
}

test('a worker on a telephone lands on their cases, accepts, says that they are there, sends a photo and the result', async () => {
  await open();
  expect(await by('work-case').innerText()).toContain('3 号楼 2 层楼道');
  await by('action-accept').tap();
  await by('work-onsite').tap();
  await by('work-photo').setInputFiles(await photo());
  expect(await by('action-feed-back').isDisabled()).toBe(true);
  await by('note-feed-back').fill('已清理，无明火');
  await by('action-feed-back').tap();
  await expect.poll(states).toEqual(['sent', 'sent', 'sent', 'sent']);
  expect(done()).toEqual(['dispatch', 'accept', 'progress', 'feed-back']);
  expect(mock.world.photos.get(mine.id)).toHaveLength(1);
  expect(mock.requests.filter((r) => r.startsWith('GET /v1/feed'))).toEqual([]);
});

test('in a dead zone everything waits, survives a new start of the page without a network, and goes once', async () => {
  await open();
  await expect.poll(() => page.evaluate(() => navigator.serviceWorker.ready.then((r) => r.active?.state))).toBe('activated');
  mock.away = true;
  await by('action-accept').tap();
  await by('work-onsite').tap();
  await by('work-photo').setInputFiles(await photo());
  await expect.poll(states).toEqual(['waiting', 'waiting', 'waiting']);
  const [pixels] = await keptPixels();
  expect(pixels).toBeGreaterThan(1_900_000);
  expect(pixels).toBeLessThanOrEqual(2_000_000);
  await page.goto(`${base}/work`);
  await by('work-card').waitFor();
  await expect.poll(() => by('work-line').getAttribute('data-state')).toBe('lost');
  await by('work-card').tap();
  await by('note-feed-back').fill('已处理');
  await by('action-feed-back').tap();
  await expect.poll(states).toEqual(['waiting', 'waiting', 'waiting', 'waiting']);
  mock.away = false;
  mock.loseAnswer = true;
  await page.evaluate(() => dispatchEvent(new Event('online')));
  await expect.poll(states, { timeout: 30_000 }).toEqual(['sent', 'sent', 'sent', 'sent']);
  expect(done()).toEqual(['dispatch', 'accept', 'progress', 'feed-back']);
  expect(mock.world.photos.get(mine.id)).toHaveLength(1);
  expect(await keptPixels()).toEqual([]);
  const kept = await page.evaluate(async () => (await Promise.all((await caches.keys()).map(async (n) => (await (await caches.open(n)).keys()).map((r) => new URL(r.url).pathname)))).flat());
  expect(kept.filter((p) => p !== '/' && !/^\/(assets\/|icon\.svg$|manifest\.webmanifest$)/.test(p))).toEqual([]);
});

test('a case that moved on meanwhile is shown, and done only on the worker\'s word', async () => {
  await open();
  mock.faster = (c) => mock.world.step(c, { action: 'dispatch', to: 'dispatch', reasons: [] }, { unit: 'water' });
  await by('action-accept').tap();
  await expect.poll(states).toEqual(['moved']);
  expect(await by('work-moved').innerText()).toContain('water');
  await by('work-again').tap();
  await expect.poll(states).toEqual(['sent']);
  expect(done()).toEqual(['dispatch', 'dispatch', 'accept']);
});

test('what waits is sent by nobody else, and by the same account after it signed in again', async () => {
  await open();
  mock.away = true;
  await by('action-accept').tap();
  await expect.poll(states).toEqual(['waiting']);
  await by('work-back').tap();
  await by('sign-out').tap();
  await by('step-confirm').waitFor();
  mock.away = false;
  await by('step-confirm').tap();
  await signIn('other');
  await by('work-others').waitFor();
  expect(done()).toEqual(['dispatch']);
  await by('sign-out').tap();
  await signIn('demo');
  await expect.poll(done).toEqual(['dispatch', 'accept']);
});

async function signIn(user) {
  await by('login-user').fill(user);
  await by('login-password').fill('demo-password');
  await by('login-submit').tap();
  await by('work-page').waitFor();
}

test('a refusal is shown with its reason and can be discarded', async () => {
  await open();
  await by('work-others-open').tap();
  await by('note-progress').fill('请打 13912345678');
  await page.getByTestId('action-progress').tap();
  await expect.poll(states).toEqual(['refused']);
  expect(await by('work-item').innerText()).toContain('电话');
  await by('work-drop').tap();
  await by('step-confirm').tap();
  await expect.poll(states).toEqual([]);
});

test('everything that is touched is at least 44 px high, and nothing is wider than the screen', async () => {
  await open();
  for (const path of ['/work', `/work?case=${mine.id}`]) {
    await page.goto(base + path);
    await page.locator('[data-testid=work-card], [data-testid=work-case]').first().waitFor();
    const small = await page.locator('.work button:visible, .work a:visible, .work summary:visible, .work textarea:visible, .work label.button:visible')
      .evaluateAll((all) => all.filter((e) => e.getBoundingClientRect().height < 44 || e.getBoundingClientRect().width < 44).map((e) => e.outerHTML.slice(0, 120)));
    expect(small).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  }
});

test('a new build takes over once no page of the old one is open, and leaves nothing of it', async () => {
  await open();
  const names = () => page.evaluate(async () => (await caches.keys()).filter((n) => n.startsWith('gridgate-page-')));
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.reload();
  const [old] = await names();
  const code = await (await page.request.get(`${base}/sw.js`)).text();
  mock.files['/sw.js'] = code.replace(/BUILD = "[0-9a-f]+"/, 'BUILD = "000000000000"');
  await page.evaluate(async () => (await navigator.serviceWorker.ready).update());
  await expect.poll(() => page.evaluate(async () => (await navigator.serviceWorker.ready).waiting?.state)).toBe('installed');
  expect(await names()).toEqual([old, 'gridgate-page-000000000000']);
  await page.goto('about:blank');
  await page.goto(`${base}/work`);
  await expect.poll(names).toEqual(['gridgate-page-000000000000']);
});

test('can be installed: a manifest with icons that are there', async () => {
  await page.goto(base);
  const manifest = await page.evaluate(async () => (await fetch(document.querySelector('link[rel=manifest]').href)).json());
  expect(manifest).toMatchObject({ display: 'standalone', scope: '/' });
  for (const icon of manifest.icons) expect((await page.request.get(base + icon.src)).headers()['content-type'], icon.src).toMatch(/^image\//);
});
