// Zones and masks by mouse and by keyboard, trials and live looks in a real Chromium, against the mock.
import { describe, expect, test } from 'vitest';
import { CAMERA, stage } from './devices.rig.mjs';

const s = stage();
const { id, text, until, signedIn } = s;

const handle = (n) => id('handle').nth(n);
const label = (n) => handle(n).getAttribute('aria-label');

describe('zones and masks', () => {
  test('are drawn by keyboard alone, sent, and in force once the edge says so', async () => {
    s.cameras.after = 1500;
    await signedIn(CAMERA, 'administrator');
    await id('add-zone').press('Enter');
    await id('zone-name').fill('南门');
    await handle(0).focus();
    expect(await label(0)).toBe('第 1 点，横 25 %，纵 30 %');
    for (let i = 0; i < 3; i++) await s.page.keyboard.press('ArrowLeft');
    await s.page.keyboard.press('ArrowUp');
    await s.page.keyboard.press('Shift+ArrowUp');
    await expect.poll(() => label(0)).toBe('第 1 点，横 22 %，纵 28.8 %');
    await s.page.keyboard.press('Enter');
    await until('handle', 5);
    await expect.poll(() => s.page.evaluate(() => document.activeElement.getAttribute('aria-label'))).toContain('第 2 点');
    await s.page.keyboard.press('Delete');
    await until('handle', 4);
    await s.page.keyboard.press('Control+z');
    await until('handle', 5);
    await id('zone-area').fill('1.5');
    await id('zone-duration').fill('2');
    await id('zone-duration').press('Tab');
    await id('add-mask').press('Enter');
    await id('editor-send').press('Enter');
    await expect.poll(() => id('standing').getAttribute('data-stage')).toBe('sent');
    await expect.poll(() => id('standing').getAttribute('data-stage'), { timeout: 12_000 }).toBe('in-force');
    const sent = s.cameras.arranged.get('edge-demo-a/cam-square-01');
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
    await s.page.mouse.move(at.x + at.width / 2, at.y + at.height / 2);
    await s.page.mouse.down();
    await s.page.mouse.move(box.x + 90, box.y + 60, { steps: 6 });
    await s.page.mouse.move(box.x + 4, box.y + 3, { steps: 6 });
    await s.page.mouse.up();
    await expect.poll(() => label(0)).toBe('第 1 点，横 0 %，纵 0 %');
    await id('undo').click();
    await expect.poll(() => label(0)).toBe('第 1 点，横 25 %，纵 30 %');
    const side = await s.page.locator('.handle-add').first().boundingBox();
    await s.page.mouse.move(side.x + side.width / 2, side.y + side.height / 2);
    await s.page.mouse.down();
    await s.page.mouse.move(side.x, side.y - 40, { steps: 4 });
    await s.page.mouse.up();
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
    expect(await s.page.locator('.crossed').count()).toBe(2);
    await id('undo').click();
    await id('undo').click();
    await expect.poll(() => text('wrongs')).toBe('');
    expect(await id('editor-send').isEnabled()).toBe(true);
  });

  test('are refused by the edge with its reason, and by central when somebody was faster', async () => {
    s.cameras.follow = 'the outline lies under a mask of the file';
    await signedIn(CAMERA, 'administrator');
    await id('add-zone').click();
    await id('editor-send').click();
    await expect.poll(() => text('standing')).toContain('节点未采用：the outline lies under a mask of the file');
    await id('shape-zones').click();
    await id('zone-name').fill('西门');
    const kept = s.cameras.arranged.get('edge-demo-a/cam-square-01');
    s.cameras.arranged.set('edge-demo-a/cam-square-01', { ...kept, version: 9, refused: undefined, inForce: true, reported: 9 });
    await id('editor-send').click();
    await expect.poll(() => text('editor-error')).not.toBe('');
    expect(await text('editor-error')).toContain('其他人刚下达了新的一版');
    await s.page.getByText('载入新版').click();
    await expect.poll(() => id('standing').getAttribute('data-stage')).toBe('in-force');
  });

  test('are drawn over a still that is asked for with a reason', async () => {
    await signedIn(CAMERA, 'administrator');
    await id('ask-still').click();
    expect(await id('reason').inputValue()).toBe('绘制防区和遮挡');
    await id('step-confirm').click();
    await s.page.locator('.canvas-still').waitFor();
    const [look] = s.cameras.looks.values();
    expect(look).toMatchObject({ count: 1, pictures: 1, reason: '绘制防区和遮挡' });
  });

  test('are tried over what the edge last saw', async () => {
    const ago = (s) => new Date(Date.now() - s * 1000).toISOString();
    s.cameras.tried = (t) => ({
      from: ago(t.lastSec), to: ago(0), samples: 4500, would: [{ zone: t.zones[0].name, kind: 'motion', from: ago(600), to: ago(560) }, { zone: t.zones[0].name, kind: 'motion', from: ago(200), to: ago(190) }],
      did: [{ zone: '北入口', kind: 'motion', from: ago(610), to: ago(500) }],
    });
    await signedIn(CAMERA, 'administrator');
    expect(await id('trial-ask').isDisabled()).toBe(true);
    await id('add-zone').click();
    await id('trial-ask').click();
    await expect.poll(() => text('trial-said')).toContain('会告警 2 次，实际告警 1 次；共看了 4500 张画面');
    expect(await s.page.locator('.timeline-would rect').count()).toBe(2);
    expect(await s.page.locator('.timeline-did rect').count()).toBe(1);
    await id('add-mask').click();
    await s.page.getByText('试算之后图形又改过').waitFor();
    s.cameras.tried = null;
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
    const [asked] = s.cameras.looks.values();
    await expect.poll(() => asked.cause).toBe('stopped');
  });

  test('asks for at most two pictures a second', async () => {
    await look();
    await expect.poll(phase).toBe('live');
    const [asked] = s.cameras.looks.values();
    await expect.poll(() => asked.pictures).toBeGreaterThan(5);
    expect(asked.pictures - 1).toBeLessThanOrEqual(Math.ceil((Date.now() - Date.parse(asked.first)) / 500));
  });

  test('ends when the page is left', async () => {
    await look();
    await expect.poll(phase).toBe('live');
    const [asked] = s.cameras.looks.values();
    await s.page.keyboard.press('Escape');
    await until('look-dialog', 0);
    await expect.poll(() => asked.cause).toBe('stopped');
  });

  test('ends when the page is hidden', async () => {
    await look();
    await expect.poll(phase).toBe('live');
    await s.page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { value: true, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await expect.poll(() => text('look-over')).toContain('页面已隐藏');
    const [asked] = s.cameras.looks.values();
    await expect.poll(() => asked.cause).toBe('stopped');
  });

  test('that central ends says why', async () => {
    s.cameras.sees = false;
    await look();
    await expect.poll(phase).toBe('waiting');
    const [asked] = s.cameras.looks.values();
    Object.assign(asked, { endedAt: new Date().toISOString(), cause: 'forbidden' });
    await expect.poll(() => text('look-over')).toContain('不再有权查看');
  });
});

