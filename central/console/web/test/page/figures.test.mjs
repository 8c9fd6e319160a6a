// Figures, series and the report of a month in a real Chromium, against the stand-in.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { handover } from '../../dev/areas/shift.mjs';
import { stage } from './stage.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const OWN = '019ca9b2-0000-7000-8000-00000000aaaa';

let mock;
let base;
let context;
let page;

stage((s) => ({ mock, base, context, page } = s), { prepare: (m) => { m.signedIn = true; } });

const text = (id) => page.getByTestId(id).innerText();
const until = (id, count) => expect.poll(() => page.getByTestId(id).count()).toBe(count);
const asked = (path) => mock.requests.filter((r) => r.startsWith(`GET ${path}?`)).slice(-2).join(' ; ');

test('measures are told with what they mean, and areas are looked into', async () => {
  await page.goto(`${base}/figures`);
  await until('figures-row', 4);
  expect(await text('figures-tiles')).toMatch(/按期结案率\s*9\d\.\d%\s*结案时没有错过任何时限的/);
  expect(await text('figures-steps')).toMatch(/任务派遣\s+\d+\s+4 分钟/);
  expect(asked('/v1/indicators')).toContain('by=grid&digits=12');
  await page.getByTestId('figures-drill').filter({ hasText: '滨河社区' }).click();
  await expect.poll(() => page.url()).toContain('grid=990001001002');
  await expect.poll(() => asked('/v1/indicators')).toMatch(/grid=990001001002&by=grid( ;|$)/);
  await expect.poll(() => text('figures-trail')).toMatch(/全部可见网格[\s\S]*滨河社区/); // names come after codes
  await page.getByTestId('figures-by').selectOption('class');
  await until('figures-row', 5);
  await page.getByTestId('figures-period').selectOption('own');
  await page.getByTestId('figures-from').fill('2026-10-01');
  await page.getByTestId('figures-to').fill('2026-10-10');
  await expect.poll(() => asked('/v1/indicators')).toContain('from=2026-10-01&to=2026-10-11');
});

test('the file holds what is shown', async () => {
  await page.goto(`${base}/figures?by=unit&period=before&exercise=yes`);
  await until('figures-row', 3);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByTestId('figures-csv').click()]);
  expect(download.suggestedFilename()).toBe('indicators.csv');
  expect(asked('/v1/indicators.csv')).toMatch(/by=unit&exercise=true$/);
});

test('nothing happened is said, and so is what an account may not see', async () => {
  mock.noFigures = true;
  mock.someGrids = true;
  await page.goto(`${base}/figures`);
  await page.getByText('这个时段没有案卷').waitFor();
  await page.getByTestId('figures-series').click();
  await page.getByText('不能看曲线').waitFor();
});

test('series are drawn with their gaps, and told as a table', async () => {
  await page.goto(`${base}/figures?view=series&quantity=water-level&hours=6`);
  await until('series-line', 3);
  const label = await page.getByTestId('chart').getAttribute('aria-label');
  expect(label).toBe('水位，3 条曲线，最近 6 小时');
  await page.locator('[data-testid=chart] canvas').waitFor();
  expect(await page.getByTestId('series-line').first().innerText()).toMatch(/level-river-01 · edge-demo-a[\s\S]*米/);
  await page.getByTestId('series-table').click();
  const gaps = page.getByTestId('series-value').filter({ hasText: '无数据' });
  await expect.poll(() => gaps.count()).toBe(1);
  await page.getByTestId('series-line').first().getByRole('checkbox').uncheck();
  await expect.poll(() => page.getByTestId('chart').getAttribute('aria-label')).toContain('2 条曲线');
  expect(asked('/v1/series')).toMatch(/quantity=water-level.*step=120s/);
  await page.getByTestId('series-sort').selectOption('system');
  await until('series-line', 2);
  await page.getByTestId('series-sort').selectOption('reading');
  await page.getByTestId('series-quantity').selectOption('co');
  await page.getByText('这个时段没有数据').waitFor();
});

test('the monthly report compares with the month before and prints without the frame', async () => {
  await page.goto(`${base}/figures/report?month=2026-10`);
  await page.getByTestId('report-devices').waitFor();
  expect(await page.getByTestId('monthly').innerText()).toMatch(/案卷月报 · 2026年10月[\s\S]*立案\s+194\s+155\s+\+39/);
  expect(mock.requests.filter((r) => r.startsWith('GET /v1/indicators?')).map((r) => /from=([0-9-]+)&to=([0-9-]+)/.exec(r).slice(1).join(' '))).toContain('2026-09-01 2026-10-01');
  expect(await text('report-devices')).toMatch(/^[\s\S]*cam-lane-02[\s\S]*cam-square-01(?![\s\S]*smoke-b3)/);
  expect(await text('report-community')).toContain('东街社区');
  await page.emulateMedia({ media: 'print' });
  for (const hidden of ['.rail', '.topbar', '[data-testid=report-print]']) expect(await page.locator(hidden).isVisible()).toBe(false);
  mock.someGrids = true;
  await page.emulateMedia({ media: 'screen' });
  await page.getByTestId('report-month').selectOption('2026-09');
  await page.getByText('不能看按设备的数字').waitFor();
});

test('nothing scrolls sideways at 1366 by 768, and no Chinese word stands on an English page', async () => {
  mock.world.fill();
  for (const lang of ['zh-CN', 'en']) {
    await context.addInitScript(`localStorage.setItem('gridgate.lang', '${lang}')`);
    for (const [path, shown] of [['/figures', 'figures-row'], ['/figures?view=series', 'series-line'], ['/figures/report', 'report-community'], ['/shift', 'shift-begin']]) {
      await page.goto(base + path);
      await page.getByTestId(shown).first().waitFor();
      const over = await page.locator('html, .main').evaluateAll((all) => all.filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.className));
      expect(over, `${path} ${lang}`).toEqual([]);
      if (lang === 'en') expect(await page.locator('h1, h2, thead, label, dt').allInnerTexts().then((t) => t.join(' ')), path).not.toMatch(/[\u4e00-\u9fff]/);
    }
  }
});

test.each(['light', 'dark'])('axe finds no violation in %s colours', { timeout: 120_000 }, async (colorScheme) => {
  mock.world.fill().work();
  handover(mock, { outgoing: 'demo', id: OWN, notes: '二号泵停用' });
  handover(mock, { state: 'accepted', incoming: 'demo', signedAt: new Date().toISOString(), acceptedAt: new Date().toISOString() });
  await page.emulateMedia({ colorScheme });
  for (const [path, shown] of [['/figures?grid=990001001', 'figures-row'], ['/figures?view=series', 'series-line'], ['/figures/report', 'report-devices'], ['/shift', 'shift-row'], [`/shift/${OWN}`, 'shift-worst']]) {
    await page.goto(base + path);
    await page.getByTestId(shown).first().waitFor();
    await page.evaluate(AXE);
    const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations', 'passes'] }));
    expect(violations.map((v) => `${v.id}: ${v.nodes[0].html}`), path).toEqual([]);
    expect(passes.length).toBeGreaterThan(10);
  }
});
