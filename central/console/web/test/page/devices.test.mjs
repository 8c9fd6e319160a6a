// Edges, cameras and sensors in a real Chromium, against the mock: lists by page, arming, keys, contrast and names, two languages.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { CAMERA, stage } from './devices.rig.mjs';

const s = stage();
const { id, text, until, signedIn } = s;

/** So many edges beside the two of the world; every tenth is in trouble. */
function many(n) {
  const at = new Date().toISOString();
  s.cameras.more = Array.from({ length: n }, (_, i) => ({
    id: `town-${String(i).padStart(4, '0')}`, online: i % 10 !== 3, lastSync: at, skewMs: 4, software: '0.1.0', configVersion: 'abc', startedAt: at, outbox: [], deadLetters: 0,
    devices: [{ id: `cam-${i}`, family: 'cameras', grid: `99000100100${1000 + i}`.slice(0, 15), state: i % 10 === 5 ? 'stalled' : 'streaming', since: at, lastSeen: at }],
  }));
}

describe('the list of edges', () => {
  test('tells state and cause, trouble first, and leads to each edge and device', async () => {
    await signedIn('/devices');
    await until('edge-card', 2);
    expect(await id('edge-card').evaluateAll((all) => all.map((e) => e.dataset.online))).toEqual(['false', 'true']);
    const rows = s.page.locator('[data-edge=edge-demo-a] [data-testid=camera-row]');
    await expect.poll(() => rows.count()).toBe(5);
    expect(await rows.evaluateAll((all) => all.slice(0, 4).map((r) => r.dataset.device))).toEqual(['cam-lane-02', 'cam-shop-04', 'cam-yard-05', 'cam-square-01']);
    expect(await s.page.locator('[data-device=cam-lane-02]').innerText()).toMatch(/码流停滞[\s\S]*码流不再送来数据/);
    expect(await s.page.locator('[data-edge=edge-demo-a]').innerText()).toContain('设备类 41 条，最久 5 分钟');
    expect(await text('device-totals')).toMatch(/边缘节点 1 \/ 2[\s\S]*摄像机 2 \/ 6/);
    await s.page.locator('[data-device=cam-lane-02] [data-testid=device-link]').click();
    await id('device-page').waitFor();
    await s.page.getByText('返回节点 edge-demo-a').click();
    await id('edge-page').waitFor();
    expect(await text('edge-cost')).toMatch(/1\.37 核[\s\S]*每路约 31 % 核[\s\S]*412 MB[\s\S]*81\.4 GB/);
    expect(s.page.url()).toMatch(/\/devices\/edge-demo-a$/);
  });

  test('of many edges is read by page, and filtered by central', async () => {
    many(600);
    await signedIn('/devices');
    await until('edge-card', 50);
    expect(await text('device-totals')).toContain('541 / 602');
    await id('edges-next').click();
    await s.page.getByText('第 2 页').waitFor();
    await until('edge-card', 50);
    await expect.poll(() => s.page.locator('[data-device=cam-lane-02]').count()).toBe(1);
    expect(await s.page.locator('[data-device=cam-square-01]').count()).toBe(0); // it is well
    await id('device-q').fill('town-0123');
    await until('edge-card', 1);
    expect(s.page.url()).toContain('q=town-0123');
    await s.page.reload();
    await until('edge-card', 1);
    await id('device-q').fill('');
    await id('only-trouble').check();
    await expect.poll(() => text('edges-matched')).toContain('122 个节点');
    await id('device-state').selectOption('stalled');
    await expect.poll(() => text('edges-matched')).toContain('61 个节点');
    await id('device-q').fill('nothing-like-it');
    await s.page.getByText('没有符合条件的节点或设备').waitFor();
    expect(s.mock.requests.filter((r) => r.includes('/v1/edges')).every((r) => r.includes('limit=50'))).toBe(true);
  });
});

describe('a device', () => {
  test('tells how it is, how often it was right, and what it raised', async () => {
    s.mock.world.raise(0);
    s.mock.world.raise(0);
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
    const zone = s.page.locator('[data-testid=mode-row][data-zone=北入口]');
    await zone.getByTestId('mode-disarmed').click();
    expect(await id('step-confirm').isDisabled()).toBe(true);
    await id('reason').fill('门口施工');
    await id('mode-span').selectOption({ label: '2 小时' });
    await id('step-confirm').click();
    await expect.poll(() => zone.getAttribute('data-stage')).toBe('in-force');
    expect(await zone.innerText()).toMatch(/demo 设为“撤防”，到 \d\d[\s\S]*门口施工[\s\S]*已生效/);
    const [order] = s.cameras.modes.get('edge-demo-a').items;
    expect(order).toMatchObject({ device: 'cam-square-01', zone: '北入口', mode: 'disarmed', reason: '门口施工' });
    expect(Math.abs(Date.parse(order.until) - Date.now() - 2 * 3600_000)).toBeLessThan(60_000);
    await zone.getByTestId('mode-end').click();
    await expect.poll(() => zone.getAttribute('data-stage')).toBe('');
  });

  test('that may save a life is tested for an hour at most and never disarmed', async () => {
    await signedIn('/devices/edge-demo-a/smoke-b3-201');
    await id('mode-row').first().waitFor();
    await until('mode-disarmed', 0);
    await s.page.getByText('不能撤防').waitFor();
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

test('pages are worked by keys, which do nothing while an input method composes', async () => {
  many(120);
  await signedIn('/devices');
  await until('edge-card', 50);
  await s.page.keyboard.press(']');
  await s.page.getByText('第 2 页').waitFor();
  await s.page.keyboard.press('[');
  await s.page.getByText('第 1 页').waitFor();
  await s.page.evaluate(() => document.dispatchEvent(new KeyboardEvent('keydown', { key: 't', bubbles: true, isComposing: true })));
  expect(await id('only-trouble').isChecked()).toBe(false);
  await s.page.keyboard.press('t');
  await expect.poll(() => id('only-trouble').isChecked()).toBe(true);
  await s.page.keyboard.press('/');
  await s.page.keyboard.type('cam-55');
  await expect.poll(() => text('edges-matched')).toContain('1 个节点');
  expect(await id('device-q').inputValue()).toBe('cam-55');
  await s.page.goto(s.base + CAMERA);
  await id('look').waitFor();
  await s.page.keyboard.press('l');
  await id('look-dialog').waitFor();
  await s.page.keyboard.type('lb');
  expect(await id('reason').inputValue()).toBe('lb');
  await s.page.keyboard.press('Escape');
  await until('look-dialog', 0);
  await s.page.keyboard.press('b');
  await id('edge-page').waitFor();
});

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds against WCAG 2.1 A and AA. */
async function violations() {
  await s.page.evaluate(axe);
  return s.page.evaluate(async () => {
    const { violations: all } = await globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] });
    return all.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 160)}`));
  });
}

test.each(['light', 'dark'])('axe-core finds nothing, %s', async (colorScheme) => {
  await s.page.emulateMedia({ colorScheme });
  s.mock.world.raise(0);
  s.cameras.tried = (t) => ({ from: new Date(Date.now() - 900_000).toISOString(), to: new Date().toISOString(), samples: 9, would: [{ zone: t.zones[0].name, kind: 'motion', from: new Date().toISOString(), to: new Date().toISOString() }] });
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
  await s.page.keyboard.press('Escape');
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
  s.mock.world.raise(0);
  many(3);
  for (const lang of ['zh-CN', 'en']) {
    await s.context.addInitScript(`localStorage.setItem('gridgate.lang', '${lang}')`);
    for (const path of ['/devices', '/devices/edge-demo-a', CAMERA, '/devices/edge-demo-a/smoke-b3-201']) {
      await signedIn(path, 'administrator');
      await s.page.locator('.facts, .edge-cards').first().waitFor();
      const over = await s.page.locator('html, .main, .edge, .card').evaluateAll((all) => all.filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.className));
      expect(over, `${path} ${lang}`).toEqual([]);
      if (lang === 'en') {
        const own = await s.page.locator('.page h2, .page-head, .filters, thead, caption, dt, .page .button, legend').allInnerTexts();
        expect(own.join(' ').replaceAll(/北入口|花坛/g, '')).not.toMatch(/[\u4e00-\u9fff]/);
      }
    }
  }
});
