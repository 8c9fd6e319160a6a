// An administrator lets an edge look for cameras, in a real Chromium against the mock.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { connectOf } from '../../dev/areas/connect.mjs';
import { stage } from './devices.rig.mjs';

const s = stage();
const { id, text, until, signedIn } = s;
const PAGE = '/connect/edge-demo-a';

test('finds cameras and proposes their configuration, which is copied', async () => {
  await s.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await signedIn('/devices/edge-demo-a', 'administrator');
  await id('edge-connect').click();
  await id('connect-page').waitFor();
  await s.page.getByText('近七天没有查找过').waitFor();
  expect(await s.page.locator('input[type=password], input[type=text], textarea').count()).toBe(0); // nothing can be typed
  const state = connectOf(s.mock);
  state.answer = () => null;
  await id('connect-for').selectOption('15');
  await id('connect-search').click();
  await expect.poll(() => text('connect-said')).toContain('节点正在查找');
  expect(await id('connect-search').isDisabled()).toBe(true);
  expect(state.list[0].asked).toEqual({ forSec: 15 });
  state.answer = new (Object.getPrototypeOf(state).constructor)().answer;
  await until('connect-found', 2);
  expect(await text('connect-said')).toContain('找到 2 台设备');
  const first = s.page.locator('[data-address="192.0.2.10"]');
  expect(await first.innerText()).toMatch(/Hikvision DS-2CD2142FWD-I/);
  expect(await s.page.locator('[data-address="192.0.2.11"]').innerText()).toMatch(/厂商和型号未知[\s\S]*视频流地址需要账号才能查询[\s\S]*words of another version/);
  await first.locator('summary').click();
  expect(await first.getByTestId('connect-file').innerText()).toMatch(/^cameras:\n {2}- id: cam-192-0-2-10\n/);
  await first.getByTestId('connect-copy').click();
  await first.getByText('已复制').waitFor();
  await id('connect-copy-all').click();
  await expect.poll(() => s.page.evaluate(() => navigator.clipboard.readText())).toMatch(/^cameras:\n[\s\S]*cam-192-0-2-10\n[\s\S]*cam-192-0-2-11\n/);
  await s.page.reload();
  await until('connect-found', 2); // it is kept
});

test('is worked by keys, and says why there is nothing', async () => {
  const state = connectOf(s.mock);
  state.answer = () => ({ why: 'the file of the edge says discovery.orders: off' });
  await signedIn(PAGE, 'administrator');
  await s.page.keyboard.press('s');
  await until('connect-why', 1);
  expect(await text('connect-why')).toContain('节点的配置写着 discovery.orders: off');
  state.answer = () => ({ found: [] });
  await s.page.keyboard.press('s');
  await s.page.getByText('没有设备应答').waitFor();
  expect(await id('connect-earlier').locator('option').count()).toBe(2);
  await s.page.keyboard.press('b');
  await id('edge-page').waitFor();
});

test('is shown to administrators alone', async () => {
  await signedIn('/devices/edge-demo-a');
  await id('edge-page').waitFor();
  await until('edge-connect', 0);
  await signedIn(PAGE);
  await s.page.getByText('只有管理员可以接入摄像机').waitFor();
  await until('connect-search', 0);
  expect(s.mock.requests.some((r) => r.includes('/discoveries'))).toBe(false);
});

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

test.each(['light', 'dark'])('axe-core finds nothing, nothing scrolls sideways, two languages, %s', async (colorScheme) => {
  await s.page.emulateMedia({ colorScheme });
  for (const lang of ['zh-CN', 'en']) {
    await s.context.addInitScript(`localStorage.setItem('gridgate.lang', '${lang}')`);
    await signedIn(PAGE, 'administrator');
    if ((await id('connect-found').count()) === 0) await id('connect-search').click();
    await until('connect-found', 2);
    for (const summary of await s.page.locator('summary').all()) await summary.click();
    await s.page.evaluate(axe);
    const wrong = await s.page.evaluate(async () => {
      const { violations } = await globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] });
      return violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 160)}`));
    });
    expect(wrong, lang).toEqual([]);
    expect(await s.page.locator('html, .main, .card').evaluateAll((all) => all.filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.className)), lang).toEqual([]);
    if (lang === 'en') expect((await s.page.locator('.page').innerText())).not.toMatch(/[\u4e00-\u9fff]/);
  }
});
