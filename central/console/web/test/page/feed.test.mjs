// The live feed in a real Chromium, against the mock.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { stage } from './stage.mjs';

let mock;
let base;
let context;
let page;

stage((s) => ({ mock, base, context, page } = s));

const row = () => page.getByTestId('feed-row');
const text = (id) => page.getByTestId(id).innerText();
const until = (id, count) => expect.poll(() => page.getByTestId(id).count()).toBe(count);
const rows = (count) => expect.poll(async () => Number(await page.getByTestId('feed-rows').getAttribute('data-rows'))).toBe(count);
const scroll = (top) => page.getByTestId('feed-scroll').evaluate((e, to) => e.scrollTo(0, to), top);
const ids = () => row().evaluateAll((all) => all.map((r) => r.dataset.id));
/** Alerts of as many series, so that nothing is folded. */
const many = (n, more = {}) => Array.from({ length: n }, (_, i) => mock.world.raise(i, { key: `k${mock.world.alertPosition}`, picture: false, ...more }));

async function signedIn(path = '/') {
  mock.signedIn = true;
  await page.goto(base + path);
  await expect.poll(() => page.getByTestId('line-state').getAttribute('data-state')).toBe('live');
}

test('new alerts wait behind the pill while a row is selected or the list is scrolled', async () => {
  many(40);
  await signedIn();
  await rows(40);
  await row().nth(1).click();
  many(2);
  await expect.poll(() => text('new-pill')).toBe('2 条新告警');
  await rows(40);
  expect(await page.title()).toBe('(2) 实时告警 · Gridgate');
  await page.getByTestId('new-pill').click();
  await rows(42);
  await page.keyboard.press('Escape');
  await until('alert-detail', 0);
  await page.mouse.move(5, 5);
  many(1);
  await rows(43);
  await scroll(300);
  await expect.poll(() => row().first().evaluate((r) => r.closest('li').dataset.index)).toBe('0');
  const top = await row().nth(8).boundingBox();
  const shown = await ids();
  many(1);
  await expect.poll(() => text('new-pill')).toBe('1 条新告警');
  expect(await ids()).toEqual(shown);
  expect(await row().nth(8).boundingBox()).toEqual(top);
  await scroll(0);
  await rows(44);
  await until('new-pill', 0);
});

test('rows stand still under the pointer, and go on a moment after it rests', async () => {
  many(20);
  await signedIn();
  await rows(20);
  await row().nth(3).hover();
  many(1);
  await expect.poll(() => text('new-pill')).toBe('1 条新告警');
  await rows(20);
  await rows(21); // the poll outlasts the pointer's four seconds
  await until('new-pill', 0);
});

test('only the rows in sight are drawn, older pages come by scrolling, and a screen reader hears the place of each', async () => {
  many(900);
  await signedIn();
  await rows(100);
  expect(await row().count()).toBeLessThan(30);
  expect(await page.locator('.feed-item').first().evaluate((li) => [li.getAttribute('aria-setsize'), li.getAttribute('aria-posinset')])).toEqual(['-1', '1']);
  await scroll(1e9);
  await rows(600);
  await scroll(1e9);
  await rows(900);
  await scroll(1e9);
  await expect.poll(() => page.locator('.feed-item').last().evaluate((li) => [li.getAttribute('aria-setsize'), li.getAttribute('aria-posinset')])).toEqual(['900', '900']);
  expect(await row().last().getAttribute('data-id')).toBe(mock.world.alerts.at(-1).id);
});

test('the keyboard goes through the rows, opens one, acknowledges it and lets go', async () => {
  many(60);
  await signedIn();
  await rows(60);
  const focused = () => page.evaluate(() => document.activeElement?.dataset?.id);
  const nth = (i) => mock.world.alerts[i].id;
  await page.keyboard.press('j');
  await expect.poll(focused).toBe(nth(0));
  for (const key of ['j', 'ArrowDown', 'k', 'ArrowDown']) await page.keyboard.press(key);
  await expect.poll(focused).toBe(nth(2));
  await page.keyboard.press('Enter');
  await until('alert-detail', 1);
  expect(await page.locator(`[data-id="${nth(2)}"]`).getAttribute('aria-pressed')).toBe('true');
  await page.keyboard.press('a');
  await expect.poll(() => page.locator(`[data-id="${nth(2)}"]`).innerText()).toContain('已受理');
  expect(await text('feed-said')).toBe('已受理');
  await page.keyboard.press('End');
  await expect.poll(focused).toBe(nth(59));
  await page.keyboard.press('Home');
  await expect.poll(focused).toBe(nth(0));
  await page.keyboard.press('Escape');
  await until('alert-detail', 0);
  expect(await focused()).toBeUndefined();
});

test('the keys are shown by ?, and none of them fires while somebody types or an input method composes', async () => {
  many(3);
  await signedIn();
  await rows(3);
  await page.keyboard.press('?');
  expect(await text('keys-help')).toMatch(/下一条[\s\S]*到筛选/);
  await page.keyboard.press('?');
  await until('keys-help', 0);
  await page.evaluate(() => document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', isComposing: true, bubbles: true })));
  await page.evaluate(() => document.body.dispatchEvent(new KeyboardEvent('keydown', { key: '?', keyCode: 229, bubbles: true })));
  await page.getByTestId('feed-grid').focus();
  await page.keyboard.type('j?99');
  await until('keys-help', 0);
  expect(await page.getByTestId('feed-grid').inputValue()).toBe('j?99');
  expect(await page.evaluate(() => document.activeElement.dataset.testid)).toBe('feed-grid');
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  await expect.poll(() => page.evaluate(() => document.activeElement.dataset.testid)).toBe('feed-severity');
  await page.keyboard.press('Escape');
  await page.keyboard.press('g');
  await page.keyboard.press('c');
  await expect.poll(() => page.url()).toContain('/cases');
});

test('a filter stands in the address, holds for what arrives, and is saved under a name', async () => {
  many(18);
  await signedIn('/?severity=critical');
  const critical = mock.world.alerts.filter((a) => a.severity === 'critical').length;
  await rows(critical);
  mock.world.raise(0, { key: 'x' });
  mock.world.raise(1, { key: 'y' });
  await rows(critical + 1);
  await page.getByTestId('feed-kind').selectOption('smoke');
  await expect.poll(() => page.url()).toContain('kind=smoke');
  const smoke = mock.world.alerts.filter((a) => a.kind === 'smoke').length;
  await rows(smoke);
  await page.getByTestId('view-save').click();
  await page.getByTestId('view-name').fill('值班 13800138000');
  await page.getByTestId('view-confirm').click();
  await expect.poll(() => text('view-error')).toContain('电话号码');
  await page.getByTestId('view-name').fill('烟雾');
  await page.getByTestId('view-confirm').click();
  await until('view-remove', 1);
  await page.getByTestId('filter-reset').click();
  await rows(20);
  await page.reload();
  await page.getByTestId('view').selectOption('烟雾');
  await rows(smoke);
  await page.getByTestId('view-remove').click();
  await until('view', 0);
  expect(mock.filters).toEqual([]);
  await page.getByTestId('filter-reset').click();
  await page.getByTestId('filter-more').click();
  await page.getByTestId('feed-family').selectOption('cameras');
  await rows(mock.world.alerts.filter((a) => a.family === 'cameras').length);
});

test('a filter that hardly anything passes does not read the whole log by itself', async () => {
  const rare = mock.world.raise(0, { picture: false });
  mock.world.alerts.unshift(...Array.from({ length: 9000 }, (_, i) => ({ ...rare, id: `s${i}`, family: 'sensors', position: rare.position + 9000 - i })));
  await signedIn('/?family=cameras');
  await until('further', 1);
  const asked = mock.requests.filter((r) => r.includes('/v1/alerts')).length;
  expect(asked).toBeLessThan(20);
  for (let n = 0; n < 3; n++) await page.getByTestId('further').click({ timeout: 2000 }).catch(() => undefined);
  await rows(1);
});

test('what flaps is one row with a count, and unfolds', async () => {
  await signedIn();
  for (let i = 0; i < 5; i++) mock.world.raise(3);
  mock.world.raise(1);
  await rows(2);
  expect(await page.getByTestId('flapped').innerText()).toBe('反复 5 次');
  await page.getByTestId('fold').click();
  await rows(6);
  expect(await page.getByTestId('fold').getAttribute('aria-expanded')).toBe('true');
  await page.getByTestId('fold').click();
  await rows(2);
});

test('a lost connection is shown within five seconds; after it nothing is lost or doubled, and what was missed is told', async () => {
  await signedIn();
  mock.world.raise(1);
  await rows(1);
  mock.away = true;
  mock.cut();
  const since = Date.now();
  await page.getByTestId('banner-lost').waitFor({ timeout: 5000 });
  expect(Date.now() - since).toBeLessThan(5000);
  expect(await text('banner-lost')).toContain('与中心的连接已断开');
  mock.world.raise(3);
  mock.world.raise(6);
  mock.away = false;
  await page.getByTestId('missed').waitFor({ timeout: 20_000 });
  await rows(3);
  expect(await ids()).toEqual(mock.world.alerts.map((a) => a.id));
  expect(await text('missed')).toMatch(/告警 2 条、新案卷 2 个[\s\S]*紧急\s*1[\s\S]*重要\s*1/);
  await until('feed-gap', 1);
  expect(await page.locator('.feed-item', { has: page.getByTestId('feed-gap') }).getAttribute('aria-posinset')).toBe('3');
  await page.getByTestId('missed-read').click();
  await until('missed', 0);
  await until('feed-gap', 0);
});

test('a line that is dead without a word is noticed', async () => {
  await signedIn();
  await page.route('**/v1/session', () => {}); // nobody answers, nothing is refused
  await page.getByTestId('banner-lost').waitFor({ timeout: 15_000 }); // that it takes less than five seconds is in stream.test.ts
  await page.unroute('**/v1/session');
});

/** Counts the tones that are started. */
const listen = () => context.addInitScript(() => {
  window.tones = 0;
  const { start } = OscillatorNode.prototype;
  OscillatorNode.prototype.start = function begin(...at) {
    window.tones++;
    return start.apply(this, at);
  };
});
const tones = () => page.evaluate(() => window.tones);
const bell = (name) => page.getByTestId('bell').getAttribute(`data-${name}`);

test('nothing sounds before it was asked for; life-safety rings until somebody acknowledges it, or m silences it', async () => {
  await listen();
  await signedIn();
  mock.world.raise(1);
  await rows(1);
  await expect.poll(() => bell('ringing')).toBe('1');
  expect(await tones()).toBe(0);
  await page.getByTestId('bell').click();
  await expect.poll(() => bell('sound')).toBe('on');
  await expect.poll(tones).toBeGreaterThanOrEqual(6); // the sample, and what rings
  const before = await tones();
  await expect.poll(tones, { timeout: 12_000 }).toBeGreaterThanOrEqual(before + 5); // it goes on
  mock.world.acknowledge([...mock.world.cases.values()][0], 'night-2');
  await expect.poll(() => bell('ringing')).toBe('0');
  mock.world.raise(6);
  await expect.poll(() => bell('ringing')).toBe('1');
  await page.keyboard.press('m');
  await expect.poll(() => bell('ringing')).toBe('0');
  await page.reload();
  await expect.poll(() => bell('sound')).toBe('on');
});

test('a notification is asked for by a click, and shown only while the page is hidden, without a picture', async () => {
  await context.addInitScript(() => {
    window.shown = [];
    window.Notification = class {
      static permission = 'default';
      static async requestPermission() {
        return (this.permission = 'granted');
      }
      constructor(title, options) {
        window.shown.push({ title, ...options });
      }
      close() {}
    };
  });
  await signedIn();
  expect(await page.evaluate(() => Notification.permission)).toBe('default');
  await page.getByTestId('menu').click();
  await page.getByTestId('notify-on').click();
  await expect.poll(() => page.getByTestId('notify-on').getAttribute('aria-pressed')).toBe('true');
  mock.world.raise(1);
  await rows(1);
  expect(await page.evaluate(() => window.shown)).toEqual([]);
  await page.evaluate(() => Object.defineProperty(document, 'hidden', { get: () => true }));
  mock.world.raise(6);
  await expect.poll(() => page.evaluate(() => window.shown.length)).toBe(1);
  expect(await page.evaluate(() => window.shown[0])).toEqual({ title: '紧急：燃气泄漏', body: '食堂后厨 990001001003002', tag: 'gridgate', silent: true });
});

test('dark, light and larger type are chosen, remembered, and follow the system otherwise', async () => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await signedIn();
  const root = (name) => page.locator('html').getAttribute(`data-${name}`);
  expect([await root('theme'), await root('wall')]).toEqual(['dark', null]);
  await page.emulateMedia({ colorScheme: 'light' });
  await expect.poll(() => root('theme')).toBe('light');
  await page.getByTestId('menu').click();
  await page.getByTestId('theme-dark').click();
  await page.getByTestId('wall-on').click();
  expect([await root('theme'), await root('wall')]).toEqual(['dark', '']);
  await page.reload();
  await rows(0);
  expect([await root('theme'), await root('wall')]).toEqual(['dark', '']);
  await page.getByTestId('menu').click();
  await page.getByTestId('wall-auto').click();
  expect(await root('wall')).toBeNull();
  await page.setViewportSize({ width: 1920, height: 1080 });
  await expect.poll(() => root('wall')).toBe('');
});

test('a storm of alerts neither freezes the page nor loses one', async () => {
  await signedIn();
  await rows(0);
  for (let n = 0; n < 20; n++) {
    many(25);
    await page.waitForTimeout(20);
  }
  await rows(500);
  await page.keyboard.press('End');
  await expect.poll(() => page.evaluate(() => document.activeElement?.dataset?.id)).toBe(mock.world.alerts.at(-1).id);
});

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds against WCAG 2.2 A and AA and its own best practices. */
async function violations() {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { violations: all } = await globalThis.axe.run(document, { resultTypes: ['violations'] });
    return all.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).slice(0, 3).join(', ')}`);
  });
}

test.each(['light', 'dark'])('axe-core finds nothing in the feed, its menu and its help, %s', async (colorScheme) => {
  await page.emulateMedia({ colorScheme });
  mock.world.fill().work();
  for (let i = 0; i < 4; i++) mock.world.raise(3);
  await signedIn();
  await expect.poll(() => row().count()).toBeGreaterThan(5);
  await page.getByTestId('fold').first().click();
  await page.locator('.feed-row-member').first().click();
  await page.getByTestId('action-acknowledge').waitFor();
  await page.getByTestId('filter-more').click();
  await page.getByTestId('feed-exercise').selectOption('no');
  await page.getByTestId('menu').click();
  expect(await violations()).toEqual([]);
  await page.keyboard.press('Escape');
  mock.away = true;
  mock.cut();
  await page.getByTestId('banner-lost').waitFor();
  expect(await violations()).toEqual([]);
  mock.world.raise(1, { key: 'meanwhile' });
  mock.away = false;
  await page.getByTestId('missed').waitFor({ timeout: 20_000 });
  await page.keyboard.press('?');
  await page.getByTestId('keys-help').waitFor();
  expect(await violations()).toEqual([]);
});
