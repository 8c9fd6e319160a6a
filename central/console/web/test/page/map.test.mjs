// The map in a real Chromium, which draws WebGL 2 in software, against the mock and under the real content policy.
import axe from 'axe-core';
import { expect, test } from 'vitest';
import { stage } from './stage.mjs';

let mock;
let base;
let context;
let page;

stage((s) => ({ mock, base, context, page } = s), { device: { reducedMotion: 'reduce' }, schemes: ['data:'], wrong: (m) => m.type() === 'error' });

const SQUARE = '990001001001003';
const RIVER = '990001001002007';

async function opened() {
  mock.signedIn = true;
  await page.goto(`${base}/map`);
  await page.getByTestId('map-page').waitFor();
}

/** Waits until the map has drawn all that it has. */
async function drawn() {
  await page.locator('[data-testid=map-canvas][data-idle]').waitFor();
  await page.getByTestId('map-buttons').waitFor();
}

const rows = () => page.getByTestId('map-case');
const grids = () => rows().evaluateAll((all) => [...new Set(all.map((a) => a.dataset.grid))].sort());
const standings = () => mock.requests.filter((r) => /^GET \/v1\/map($|\?)/.test(r)).length;
const picture = () => page.getByTestId('map-canvas').screenshot();

test('draws the grids by cases and by deadline, and the map and its list choose for each other', async () => {
  mock.world.raise(1);
  mock.world.raise(3);
  const late = mock.world.report({ class: '0201', grid: SQUARE, place: { lon: 105.312, lat: 31.004 } }, 'demo');
  mock.world.due(late, ['reach', -20, -10]);
  await opened();
  await drawn();
  await expect.poll(() => rows().count()).toBe(3);
  expect(await rows().first().getAttribute('data-id')).toBe(late.id); // what is overdue stands first
  expect(await rows().first().innerText()).toMatch(/积水内涝[\s\S]*已超[\s\S]*东河社区第3网格/);
  expect(await page.getByTestId('map-legend').innerText()).toContain('1–2 件');
  await page.evaluate(axe.source);
  expect((await page.evaluate(() => globalThis.axe.run())).violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`)).toEqual([]);
  const byCases = await picture();
  await page.getByTestId('map-mode-deadline').click();
  expect(await page.getByTestId('map-legend').innerText()).toContain('即将超时');
  await expect.poll(async () => byCases.equals(await picture())).toBe(false);

  // From the list to the map and back.
  await rows().filter({ hasText: '南桥社区第7网格' }).hover();
  await expect.poll(() => page.getByTestId('map-pointed').innerText()).toContain('南桥社区第7网格');
  await page.getByTestId('map-tab-grids').click();
  await expect.poll(() => page.getByTestId('map-grid').count()).toBe(36);
  await page.locator(`[data-testid=map-grid][data-grid="${RIVER}"]`).click();
  expect(await page.getByTestId('map-chosen').innerText()).toContain('南桥社区第7网格');
  await page.getByTestId('map-tab-cases').click();
  expect(await grids()).toEqual([RIVER]);
  await page.getByTestId('map-clear').click();
  await page.getByTestId('map-fit').click();
  await expect.poll(() => rows().count()).toBe(3);

  // From the map to the list: a polygon narrows it, the same one again does not. All is in view, so its middle is a grid's.
  const box = await page.getByTestId('map-canvas').boundingBox();
  const at = [box.x + box.width / 2, box.y + box.height / 2 + 4];
  await expect.poll(async () => {
    await page.mouse.move(at[0], at[1] + Math.random());
    return page.getByTestId('map-pointed').count();
  }).toBe(1);
  await page.mouse.click(...at);
  await page.getByTestId('map-chosen').waitFor();
  await page.mouse.click(...at);
  await expect.poll(() => page.getByTestId('map-chosen').count()).toBe(0);
  for (const name of ['放大', '缩小', '显示全部']) expect(await page.getByRole('button', { name }).count()).toBe(1);
});

test('by keyboard alone: j and k along the rows, Enter to the case, Escape clears the choice', async () => {
  mock.world.raise(1);
  mock.world.raise(3);
  await opened();
  await expect.poll(() => rows().count()).toBe(2);
  const focused = () => page.evaluate(() => document.activeElement.dataset.grid ?? '');
  await page.keyboard.press('j');
  const first = await focused();
  await page.keyboard.press('j');
  const second = await focused();
  expect(first !== '' && second !== '' && first !== second).toBe(true);
  expect(await page.getByTestId('map-pointed').innerText()).not.toBe('');
  await page.keyboard.press('k');
  expect(await focused()).toBe(first);
  await page.keyboard.press('c');
  expect(await page.getByTestId('map-mode-deadline').getAttribute('aria-pressed')).toBe('true');
  await page.getByTestId('map-tab-grids').press('Enter');
  await page.getByTestId('map-grid').first().press('Enter');
  await page.getByTestId('map-chosen').waitFor();
  await page.keyboard.press('Escape');
  await expect.poll(() => page.getByTestId('map-chosen').count()).toBe(0);
  await page.getByTestId('map-tab-cases').press('Enter');
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.getByTestId('case-page').waitFor();
});

test('stays current: a new case is there within seconds, and a storm asks central a few times', async () => {
  await opened();
  await page.getByText('此处没有未结案卷').waitFor();
  mock.world.raise(1);
  await expect.poll(() => rows().count(), { timeout: 8000 }).toBe(1);
  const before = standings();
  const began = Date.now();
  for (let i = 0; i < 60; i++) {
    mock.world.raise(i % 9);
    await new Promise((done) => setTimeout(done, 50));
  }
  await expect.poll(() => rows().count(), { timeout: 10_000 }).toBe(9);
  expect(standings() - before).toBeLessThanOrEqual(2 + (Date.now() - began) / 3000);
});

test('a browser without WebGL gets a sentence and the whole list, and does not load the map', async () => {
  await context.addInitScript(() => {
    const get = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
      return kind.startsWith('webgl') ? null : get.call(this, kind, ...rest);
    };
  });
  mock.world.raise(1);
  await opened();
  expect(await page.getByTestId('map-said').innerText()).toContain('此浏览器无法绘制地图');
  await expect.poll(() => rows().count()).toBe(1);
  await page.getByTestId('map-tab-grids').click();
  await page.locator(`[data-testid=map-grid][data-grid="${RIVER}"]`).click();
  await page.getByTestId('map-tab-cases').click();
  await page.getByText('此处没有未结案卷').waitFor();
  expect(mock.requests.filter((r) => /canvas-|maplibre/.test(r))).toEqual([]);
});

test('where no boundary is set up the list works alone, and the map says why it is empty', async () => {
  mock.noGrids = true;
  mock.world.raise(1);
  await opened();
  expect(await page.getByTestId('map-said').innerText()).toContain('还没有网格边界');
  await expect.poll(() => rows().count()).toBe(1);
});

test('tiles come from central alone, with the name of who made them', async () => {
  mock.tiles = { datum: 'gcj02', attribution: '测试底图', minZoom: 0, maxZoom: 15 };
  await opened();
  await expect.poll(() => mock.requests.filter((r) => /^GET \/v1\/map\/tiles\/\d+\/\d+\/\d+$/.test(r)).length).toBeGreaterThan(0);
  await page.getByText('测试底图').waitFor();
  await drawn();
});
