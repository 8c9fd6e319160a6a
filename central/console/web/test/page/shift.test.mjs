// Shift handover and figures in a real Chromium, against the stand-in.
import { expect, test } from 'vitest';
import { handover } from '../../dev/areas/shift.mjs';
import { stage } from './stage.mjs';

let mock;
let base;
let page;

stage((s) => ({ mock, base, page } = s), {
  prepare: (m) => {
    m.world.fill().work();
    m.signedIn = true;
  },
});

const text = (id) => page.getByTestId(id).innerText();
const until = (id, count) => expect.poll(() => page.getByTestId(id).count()).toBe(count);
const state = () => page.getByTestId('handover').getAttribute('data-state');

test('who goes begins a handover, writes notes and signs; the picture tells what stands open', async () => {
  await page.goto(`${base}/shift`);
  await page.getByTestId('shift.past').selectOption('12');
  await page.getByTestId('shift-begin').click();
  await expect.poll(state).toBe('draft');
  expect(await text('shift-tally')).toMatch(/紧急[\s\S]*合计/);
  expect(await page.getByTestId('shift-worst').getByTestId('shift-case').count()).toBeGreaterThan(3);
  expect(await text('shift-offline')).toMatch(/edge-demo-b[\s\S]*失联[\s\S]*cam-/);
  expect(await text('shift-silences')).toContain('更换探头');
  await page.getByTestId('shift-notes').fill('找 13800138000');
  await page.getByTestId('shift-save').click();
  await expect.poll(() => text('shift-error')).toContain('疑似含有电话号码');
  await page.getByTestId('shift-notes').fill('二号泵停用，巡查加密');
  await page.getByTestId('shift-sign').click();
  await page.getByTestId('step-confirm').click();
  await expect.poll(state).toBe('signed');
  expect(mock.handovers[0]).toMatchObject({ state: 'signed', outgoing: 'demo', notes: '二号泵停用，巡查加密' });
  expect(await text('shift-text')).toBe('二号泵停用，巡查加密');
  await until('shift-accept', 0);
  await until('shift-sign', 0);
  expect(await text('shift-signatures')).toMatch(/demo，[\s\S]*未签字/);
});

test('who comes finds it at the top, looks through it and signs; then nothing can be done', async () => {
  handover(mock, { state: 'signed', signedAt: new Date().toISOString(), notes: '东河桥水位偏高' });
  await page.goto(`${base}/shift`);
  expect(await text('shift-waiting')).toContain('day-1 已签字交班');
  await page.getByTestId('shift-go').click();
  expect(await text('shift-text')).toBe('东河桥水位偏高');
  await page.getByTestId('shift-accept').click();
  await page.getByTestId('step-confirm').click();
  await expect.poll(state).toBe('accepted');
  expect(await text('shift-signatures')).toMatch(/day-1，[\s\S]*demo，/);
  for (const id of ['shift-accept', 'shift-sign', 'shift-withdraw', 'shift-again']) await until(id, 0);
  await page.goto(`${base}/shift`);
  await until('shift-waiting', 0);
  await until('shift-row', 1);
});

test('a handover that changed meanwhile is not signed unseen', async () => {
  const h = handover(mock, { state: 'signed', signedAt: new Date().toISOString() });
  await page.goto(`${base}/shift/${h.id}`);
  await page.getByTestId('shift-accept').waitFor();
  mock.fasterHandover = (one) => Object.assign(one, { state: 'withdrawn', withdrawnBy: 'day-1', withdrawnAt: new Date().toISOString(), version: 2 });
  await page.getByTestId('shift-accept').click();
  await page.getByTestId('step-confirm').click();
  await page.getByTestId('shift-changed').waitFor();
  await expect.poll(state).toBe('withdrawn');
  expect(h.incoming).toBeUndefined();
});

test('a draft of one\'s own is withdrawn; an auditor looks and does nothing', async () => {
  await page.goto(`${base}/shift`);
  await page.getByTestId('shift-begin').click();
  await page.getByTestId('shift-withdraw').click();
  await page.getByTestId('step-confirm').click();
  await expect.poll(state).toBe('withdrawn');
  mock.role = 'auditor';
  handover(mock, { state: 'signed', signedAt: new Date().toISOString() });
  await page.goto(`${base}/shift`);
  await until('shift-begin', 0);
  await page.getByTestId('shift-go').click();
  await page.getByTestId('shift-worst').waitFor();
  for (const id of ['shift-accept', 'shift-withdraw']) await until(id, 0);
});

test('printing leaves the frame and the buttons out', async () => {
  const h = handover(mock, { notes: '二号泵停用' });
  await page.goto(`${base}/shift/${h.id}`);
  await page.getByTestId('shift-print').waitFor();
  await page.emulateMedia({ media: 'print' });
  for (const hidden of ['.rail', '.topbar', '[data-testid=shift-print]']) expect(await page.locator(hidden).isVisible()).toBe(false);
  expect(await page.getByTestId('shift-signatures').isVisible()).toBe(true);
  expect(await page.locator('.main').evaluate((e) => getComputedStyle(e).overflowY)).toBe('visible');
});
