// Edges, cameras and sensors in a real Chromium, against the mock: lists by page, arming, zones drawn by mouse and by keyboard, looks, trials.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { camerasOf } from '../../dev/areas/cameras.mjs';
import { browser } from '../../dev/shoot.mjs';
import { Mock } from '../../dev/mock.mjs';

let chrome;
let mock;
let cameras;
let base;
let context;
let page;
let complaints;

beforeAll(async () => {
  chrome = await browser();
});
afterAll(() => chrome.close());

beforeEach(async () => {
  mock = new Mock();
  cameras = camerasOf(mock);
  base = await mock.listen();
  context = await chrome.newContext({ viewport: { width: 1366, height: 768 }, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' });
  page = await context.newPage();
  complaints = [];
  page.on('pageerror', (e) => complaints.push(String(e)));
  page.on('console', (m) => /Content Security Policy|Refused to/.test(m.text()) && complaints.push(m.text()));
  page.on('request', (r) => r.url().startsWith(base) || r.url().startsWith('blob:') || complaints.push(`request to ${r.url()}`));
});
afterEach(async () => {
  await context.close();
  await mock.close();
  expect(complaints.join('\n')).toBe('');
});

const id = (name) => page.getByTestId(name);
const text = (name) => id(name).innerText();
const until = (name, count) => expect.poll(() => id(name).count()).toBe(count);
const CAMERA = '/devices/edge-demo-a/cam-square-01';

async function signedIn(path, role = 'operator') {
  mock.role = role;
  mock.signedIn = true;
  await page.goto(base + path);
  await page.locator('h1').waitFor();
}

/** So many edges beside the two of the world; every tenth is in trouble. */
function many(n) {
  const at = new Date().toISOString();
  cameras.more = Array.from({ length: n }, (_, i) => ({
    id: `town-${String(i).padStart(4, '0')}`, online: i % 10 !== 3, lastSync: at, skewMs: 4, software: '0.1.0', configVersion: 'abc', startedAt: at, outbox: [], deadLetters: 0,
    devices: [{ id: `cam-${i}`, family: 'cameras', grid: `99000100100${1000 + i}`.slice(0, 15), state: i % 10 === 5 ? 'stalled' : 'streaming', since: at, lastSeen: at }],
  }));
}

describe('the list of edges', () => {
  test('tells state and cause, trouble first, and leads to each edge and device', async () => {
    await signedIn('/devices');
    await until('edge-card', 2);
    expect(await id('edge-card').evaluateAll((all) => all.map((e) => e.dataset.online))).toEqual(['false', 'true']);
    const rows = page.locator('[data-edge=edge-demo-a] [data-testid=camera-row]');
    await expect.poll(() => rows.count()).toBe(5);
    expect(await rows.evaluateAll((all) => all.slice(0, 4).map((r) => r.dataset.device))).toEqual(['cam-lane-02', 'cam-shop-04', 'cam-yard-05', 'cam-square-01']);
    expect(await page.locator('[data-device=cam-lane-02]').innerText()).toMatch(/码流停滞[\s\S]*码流不再送来数据/);
    expect(await page.locator('[data-edge=edge-demo-a]').innerText()).toContain('设备类 41 条，最久 5 分钟');
    expect(await text('device-totals')).toMatch(/边缘节点 1 \/ 2[\s\S]*摄像机 2 \/ 6/);
    await page.locator('[data-device=cam-lane-02] [data-testid=device-link]').click();
    await id('device-page').waitFor();
    await page.getByText('返回节点 edge-demo-a').click();
    await id('edge-page').waitFor();
    expect(await text('edge-cost')).toMatch(/1\.37 核[\s\S]*每路约 31 % 核[\s\S]*412 MB[\s\S]*81\.4 GB/);
    expect(page.url()).toMatch(/\/devices\/edge-demo-a$/);
  });

  test('of many edges is read by page, and filtered by central', async () => {
    many(600);
    await signedIn('/devices');
    await until('edge-card', 50);
    expect(await text('device-totals')).toContain('541 / 602');
    await id('edges-next').click();
    await page.getByText('第 2 页').waitFor();
    await until('edge-card', 50);
    await expect.poll(() => page.locator('[data-device=cam-lane-02]').count()).toBe(1);
    expect(await page.locator('[data-device=cam-square-01]').count()).toBe(0); // it is well
    await id('device-q').fill('town-0123');
    await until('edge-card', 1);
    expect(page.url()).toContain('q=town-0123');
    await page.reload();
    await until('edge-card', 1);
    await id('device-q').fill('');
    await id('only-trouble').check();
    await expect.poll(() => text('edges-matched')).toContain('122 个节点');
    await id('device-state').selectOption('stalled');
    await expect.poll(() => text('edges-matched')).toContain('61 个节点');
    await id('device-q').fill('nothing-like-it');
    await page.getByText('没有符合条件的节点或设备').waitFor();
    expect(mock.requests.filter((r) => r.includes('/v1/edges')).every((r) => r.includes('limit=50'))).toBe(true);
  });
});

describe('a device', () => {
  test('tells how it is, how often it was right, and what it raised', async () => {
    mock.world.raise(0);
    mock.world.raise(0);
    await signedIn(CAMERA);
    await until('recent-alert', 2);
    await until('recent-case', 1);
    expect(await text('false-alarms')).toMatch(/17 %[\s\S]*18 件中 3 件/);
    expect(await text('device-facts')).toMatch(/−38 ms/);
    await id('recent-case').click();
    await id('case-page').waitFor();
  });

  test('is disarmed for a while and with a reason, zone by zone, and armed again', async () => {
    await signedIn(CAMERA);
    const zone = page.locator('[data-testid=mode-row][data-zone=北入口]');
    await zone.getByTestId('mode-disarmed').click();
    expect(await id('step-confirm').isDisabled()).toBe(true);
    await id('reason').fill('门口施工');
    await id('mode-span').selectOption({ label: '2 小时' });
    await id('step-confirm').click();
    await expect.poll(() => zone.getAttribute('data-stage')).toBe('in-force');
    expect(await zone.innerText()).toMatch(/demo 设为“撤防”，到 \d\d[\s\S]*门口施工[\s\S]*已生效/);
    const [order] = cameras.modes.get('edge-demo-a').items;
    expect(order).toMatchObject({ device: 'cam-square-01', zone: '北入口', mode: 'disarmed', reason: '门口施工' });
    expect(Math.abs(Date.parse(order.until) - Date.now() - 2 * 3600_000)).toBeLessThan(60_000);
    await zone.getByTestId('mode-end').click();
    await expect.poll(() => zone.getAttribute('data-stage')).toBe('');
  });

  test('that may save a life is tested for an hour at most and never disarmed', async () => {
    await signedIn('/devices/edge-demo-a/smoke-b3-201');
    await id('mode-row').first().waitFor();
    await until('mode-disarmed', 0);
    await page.getByText('不能撤防').waitFor();
    await id('mode-walk-test').click();
    expect(await id('mode-span').locator('option').allInnerTexts()).toEqual(['15 分钟', '30 分钟', '1 小时']);
    await id('step-confirm').click();
    await expect.poll(() => id('mode-row').getAttribute('data-stage')).toBe('told');
    await until('editor', 0);
  });

  test('is shown to an auditor without anything to do', async () => {
    await signedIn(CAMERA, 'auditor');
    await id('editor').waitFor();
    for (const name of ['look', 'mode-armed', 'add-zone', 'ask-still', 'editor-send', 'trial-ask']) await until(name, 0);
  });
});

const handle = (n) => id('handle').nth(n);
const label = (n) => handle(n).getAttribute('aria-label');

describe('zones and masks', () => {
  test('are drawn by keyboard alone, sent, and in force once the edge says so', async () => {
    cameras.after = 1500;
    await signedIn(CAMERA, 'administrator');
    await id('add-zone').press('Enter');
    await id('zone-name').fill('南门');
    await handle(0).focus();
    expect(await label(0)).toBe('第 1 点，横 25 %，纵 30 %');
    for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Shift+ArrowUp');
    await expect.poll(() => label(0)).toBe('第 1 点，横 22 %，纵 28.8 %');
    await page.keyboard.press('Enter');
    await until('handle', 5);
    await expect.poll(() => page.evaluate(() => document.activeElement.getAttribute('aria-label'))).toContain('第 2 点');
    await page.keyboard.press('Delete');
    await until('handle', 4);
    await page.keyboard.press('Control+z');
    await until('handle', 5);
    await id('zone-area').fill('1.5');
    await id('zone-duration').fill('2');
    await id('zone-duration').press('Tab');
    await id('add-mask').press('Enter');
    await id('editor-send').press('Enter');
    await expect.poll(() => id('standing').getAttribute('data-stage')).toBe('sent');
    await expect.poll(() => id('standing').getAttribute('data-stage'), { timeout: 12_000 }).toBe('in-force');
    const sent = cameras.arranged.get('edge-demo-a/cam-square-01');
    expect(sent.zones).toMatchObject([{ name: '南门', minArea: 0.015, minDurationMs: 2000 }]);
    expect(sent.zones[0].outline).toHaveLength(5);
    expect(sent.zones[0].outline[0]).toEqual([0.22, 0.288]);
    expect(sent.masks).toHaveLength(1);
  });

  test('are drawn by mouse: a point dragged to the border is on it, and one step takes the drag back', async () => {
    await signedIn(CAMERA, 'administrator');
    await id('add-zone').click();
    await id('canvas').scrollIntoViewIfNeeded();
    const box = await id('canvas').boundingBox();
    const at = await handle(0).boundingBox();
    await page.mouse.move(at.x + at.width / 2, at.y + at.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + 90, box.y + 60, { steps: 6 });
    await page.mouse.move(box.x + 4, box.y + 3, { steps: 6 });
    await page.mouse.up();
    await expect.poll(() => label(0)).toBe('第 1 点，横 0 %，纵 0 %');
    await id('undo').click();
    await expect.poll(() => label(0)).toBe('第 1 点，横 25 %，纵 30 %');
    const side = await page.locator('.handle-add').first().boundingBox();
    await page.mouse.move(side.x + side.width / 2, side.y + side.height / 2);
    await page.mouse.down();
    await page.mouse.move(side.x, side.y - 40, { steps: 4 });
    await page.mouse.up();
    await until('handle', 5);
    await handle(1).dblclick();
    await until('handle', 4);
  });

  test('that cross themselves are refused in words, until they no longer do', async () => {
    await signedIn(CAMERA, 'administrator');
    await id('add-zone').click();
    await id('point-x').nth(0).fill('60');
    await id('point-x').nth(0).press('Tab');
    await id('point-x').nth(1).fill('20');
    await id('point-x').nth(1).press('Tab');
    await expect.poll(() => text('wrongs')).toContain('轮廓自相交');
    expect(await id('editor-send').isDisabled()).toBe(true);
    expect(await page.locator('.crossed').count()).toBe(2);
    await id('undo').click();
    await id('undo').click();
    await expect.poll(() => text('wrongs')).toBe('');
    expect(await id('editor-send').isEnabled()).toBe(true);
  });

  test('are refused by the edge with its reason, and by central when somebody was faster', async () => {
    cameras.follow = 'the outline lies under a mask of the file';
    await signedIn(CAMERA, 'administrator');
    await id('add-zone').click();
    await id('editor-send').click();
    await expect.poll(() => text('standing')).toContain('节点未采用：the outline lies under a mask of the file');
    await id('shape-zones').click();
    await id('zone-name').fill('西门');
    const kept = cameras.arranged.get('edge-demo-a/cam-square-01');
    cameras.arranged.set('edge-demo-a/cam-square-01', { ...kept, version: 9, refused: undefined, inForce: true, reported: 9 });
    await id('editor-send').click();
    await expect.poll(() => text('editor-error')).not.toBe('');
    expect(await text('editor-error')).toContain('其他人刚下达了新的一版');
    await page.getByText('载入新版').click();
    await expect.poll(() => id('standing').getAttribute('data-stage')).toBe('in-force');
  });

  test('are drawn over a still that is asked for with a reason', async () => {
    await signedIn(CAMERA, 'administrator');
    await id('ask-still').click();
    expect(await id('reason').inputValue()).toBe('绘制防区和遮挡');
    await id('step-confirm').click();
    await page.locator('.canvas-still').waitFor();
    const [look] = cameras.looks.values();
    expect(look).toMatchObject({ count: 1, pictures: 1, reason: '绘制防区和遮挡' });
  });

  test('are tried over what the edge last saw', async () => {
    const ago = (s) => new Date(Date.now() - s * 1000).toISOString();
    cameras.tried = (t) => ({
      from: ago(t.lastSec), to: ago(0), samples: 4500, would: [{ zone: t.zones[0].name, kind: 'motion', from: ago(600), to: ago(560) }, { zone: t.zones[0].name, kind: 'motion', from: ago(200), to: ago(190) }],
      did: [{ zone: '北入口', kind: 'motion', from: ago(610), to: ago(500) }],
    });
    await signedIn(CAMERA, 'administrator');
    expect(await id('trial-ask').isDisabled()).toBe(true);
    await id('add-zone').click();
    await id('trial-ask').click();
    await expect.poll(() => text('trial-said')).toContain('会告警 2 次，实际告警 1 次；共看了 4500 张画面');
    expect(await page.locator('.timeline-would rect').count()).toBe(2);
    expect(await page.locator('.timeline-did rect').count()).toBe(1);
    await id('add-mask').click();
    await page.getByText('试算之后图形又改过').waitFor();
    cameras.tried = null;
    await id('trial-ask').click();
    await expect.poll(() => text('trial-said')).toContain('节点没有回答');
  });
});

const phase = () => id('look-dialog').getAttribute('data-phase');

async function look() {
  await signedIn(CAMERA);
  await id('look').click();
  expect(await id('look-start').isDisabled()).toBe(true);
  await id('reason').fill('邻近烟感告警，看是否有烟');
  await id('look-start').click();
}

describe('a live look', () => {
  test('demands a reason, shows the newest picture and what it costs, and stops', async () => {
    await look();
    await expect.poll(phase).toBe('live');
    await expect.poll(() => text('look-cost')).toMatch(/上行 \d[\d.]* kB，\d+ 张 · 每秒 96\.0 kB/);
    expect(await text('look-left')).toMatch(/剩 \d+ 秒/);
    const src = await id('look-picture').getAttribute('src');
    expect(src).toMatch(/^blob:/);
    await expect.poll(() => id('look-picture').getAttribute('src')).not.toBe(src);
    await id('look-stop').click();
    await expect.poll(phase).toBe('over');
    const [asked] = cameras.looks.values();
    await expect.poll(() => asked.cause).toBe('stopped');
  });

  test('asks for at most two pictures a second', async () => {
    await look();
    await expect.poll(phase).toBe('live');
    const [asked] = cameras.looks.values();
    await expect.poll(() => asked.pictures).toBeGreaterThan(5);
    expect(asked.pictures - 1).toBeLessThanOrEqual(Math.ceil((Date.now() - Date.parse(asked.first)) / 500));
  });

  test('ends when the page is left', async () => {
    await look();
    await expect.poll(phase).toBe('live');
    const [asked] = cameras.looks.values();
    await page.keyboard.press('Escape');
    await until('look-dialog', 0);
    await expect.poll(() => asked.cause).toBe('stopped');
  });

  test('ends when the page is hidden', async () => {
    await look();
    await expect.poll(phase).toBe('live');
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { value: true, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await expect.poll(() => text('look-over')).toContain('页面已隐藏');
    const [asked] = cameras.looks.values();
    await expect.poll(() => asked.cause).toBe('stopped');
  });

  test('that central ends says why', async () => {
    cameras.sees = false;
    await look();
    await expect.poll(phase).toBe('waiting');
    const [asked] = cameras.looks.values();
    Object.assign(asked, { endedAt: new Date().toISOString(), cause: 'forbidden' });
    await expect.poll(() => text('look-over')).toContain('不再有权查看');
  });
});

test('pages are worked by keys, which do nothing while an input method composes', async () => {
  many(120);
  await signedIn('/devices');
  await until('edge-card', 50);
  await page.keyboard.press(']');
  await page.getByText('第 2 页').waitFor();
  await page.keyboard.press('[');
  await page.getByText('第 1 页').waitFor();
  await page.evaluate(() => document.dispatchEvent(new KeyboardEvent('keydown', { key: 't', bubbles: true, isComposing: true })));
  expect(await id('only-trouble').isChecked()).toBe(false);
  await page.keyboard.press('t');
  await expect.poll(() => id('only-trouble').isChecked()).toBe(true);
  await page.keyboard.press('/');
  await page.keyboard.type('cam-55');
  await expect.poll(() => text('edges-matched')).toContain('1 个节点');
  expect(await id('device-q').inputValue()).toBe('cam-55');
  await page.goto(base + CAMERA);
  await id('look').waitFor();
  await page.keyboard.press('l');
  await id('look-dialog').waitFor();
  await page.keyboard.type('lb');
  expect(await id('reason').inputValue()).toBe('lb');
  await page.keyboard.press('Escape');
  await until('look-dialog', 0);
  await page.keyboard.press('b');
  await id('edge-page').waitFor();
});

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds against WCAG 2.1 A and AA. */
async function violations() {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { violations: all } = await globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] });
    return all.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 160)}`));
  });
}

test.each(['light', 'dark'])('axe-core finds nothing, %s', async (colorScheme) => {
  await page.emulateMedia({ colorScheme });
  mock.world.raise(0);
  cameras.tried = (t) => ({ from: new Date(Date.now() - 900_000).toISOString(), to: new Date().toISOString(), samples: 9, would: [{ zone: t.zones[0].name, kind: 'motion', from: new Date().toISOString(), to: new Date().toISOString() }] });
  await signedIn('/devices');
  await until('edge-card', 2);
  expect(await violations(), 'list').toEqual([]);
  await signedIn('/devices/edge-demo-a');
  await id('edge-cost').waitFor();
  expect(await violations(), 'edge').toEqual([]);
  await signedIn(CAMERA);
  await id('recent-alert').waitFor();
  await id('mode-walk-test').first().click();
  expect(await violations(), 'mode').toEqual([]);
  await page.keyboard.press('Escape');
  await id('look').click();
  await id('reason').fill('看是否有烟');
  await id('look-start').click();
  await id('look-picture').waitFor();
  expect(await violations(), 'look').toEqual([]);
  await signedIn(CAMERA, 'administrator');
  await id('add-mask').click();
  await id('add-zone').click();
  await id('trial-ask').click();
  await id('trial-timeline').waitFor();
  expect(await violations(), 'editor').toEqual([]);
});

test('nothing scrolls sideways at 1366 by 768, in both languages, and no word is missing', async () => {
  mock.world.raise(0);
  many(3);
  for (const lang of ['zh-CN', 'en']) {
    await context.addInitScript(`localStorage.setItem('gridgate.lang', '${lang}')`);
    for (const path of ['/devices', '/devices/edge-demo-a', CAMERA, '/devices/edge-demo-a/smoke-b3-201']) {
      await signedIn(path, 'administrator');
      await page.locator('.facts, .edge-cards').first().waitFor();
      const over = await page.locator('html, .main, .edge, .card').evaluateAll((all) => all.filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.className));
      expect(over, `${path} ${lang}`).toEqual([]);
      if (lang === 'en') {
        const own = await page.locator('.page h2, .page-head, .filters, thead, caption, dt, .page .button, legend').allInnerTexts();
        expect(own.join(' ').replaceAll(/北入口|花坛/g, '')).not.toMatch(/[\u4e00-\u9fff]/);
      }
    }
  }
});
