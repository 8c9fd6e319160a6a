// The case desk in a real Chromium, against the mock: the filmstrip, steps by key with their undo, several cases at once, and who was faster.
import { expect, test } from 'vitest';
import { stage } from './stage.mjs';

let mock;
let base;
let page;

stage((s) => ({ mock, base, page } = s));

const text = (id) => page.getByTestId(id).innerText();
const until = (id, count) => expect.poll(() => page.getByTestId(id).count()).toBe(count);
const at = (step) => expect.poll(() => page.getByTestId('case-loop').getAttribute('data-step')).toBe(step);

async function signedIn(path) {
  mock.signedIn = true;
  await page.goto(base + path);
  await expect.poll(() => page.getByTestId('line-state').getAttribute('data-state')).toBe('live');
}

test('a case is worked by keys alone, and each step is taken back by u or by the button', async () => {
  const { caseId } = mock.world.raise(1);
  await signedIn(`/cases/${caseId}`);
  await page.getByTestId('action-dispatch').waitFor();
  await page.keyboard.press('a');
  await at('open');
  expect(await text('toast')).toContain('已完成：立案');
  await page.keyboard.press('u');
  await expect.poll(() => text('toast')).toContain('已撤销：立案。已经发出的通知不会收回');
  await expect.poll(() => page.getByTestId('case-page').getAttribute('data-state')).toBe('open');
  await until('toast-undo', 0);
  await page.keyboard.press('d');
  await page.locator('select[data-testid=field-unit]').selectOption('fire');
  await page.getByTestId('field-note').fill('ddd');
  await page.keyboard.press('Enter');
  expect(await page.getByTestId('field-note').inputValue()).toBe('ddd\n');
  await page.getByTestId('step-confirm').click();
  await at('dispatch');
  await page.getByTestId('toast-undo').click();
  await expect.poll(() => text('case-history')).toMatch(/demo 撤销：派遣[\s\S]*demo：派遣[\s\S]*demo 撤销：立案[\s\S]*demo：立案/);
  await page.keyboard.press('x');
  await page.getByTestId('step-confirm').click();
  await expect.poll(() => page.getByTestId('case-page').getAttribute('data-state')).toBe('closed');
  mock.world.raise(0);
  expect(await text('case-undo')).toContain('撤销“误报”');
  await page.getByTestId('case-undo').click();
  await expect.poll(() => page.getByTestId('case-page').getAttribute('data-state')).toBe('open');
  await until('case-undo', 0);
});

test('an undo that comes too late says why', async () => {
  const { caseId } = mock.world.raise(1);
  await signedIn(`/cases/${caseId}`);
  await page.getByTestId('action-acknowledge').click();
  await page.getByTestId('toast-undo').waitFor();
  mock.world.append(mock.world.cases.get(caseId), { type: 'deadline', at: new Date().toISOString(), deadline: 'reach', stage: 'yellow' });
  await page.getByTestId('toast-undo').click();
  await expect.poll(() => text('toast')).toContain('之后案件又有变化');
  await at('open');
});

test('an acknowledgement and a snooze end when a shift does, or at another time; an assignee is one of the centre', async () => {
  const { caseId } = mock.world.raise(1);
  await signedIn(`/cases/${caseId}`);
  await page.getByTestId('action-more').click();
  await page.getByTestId('until-half').check();
  await page.getByTestId('step-confirm').click();
  await at('open');
  await expect.poll(() => mock.world.history.get(caseId).some((e) => e.action === 'acknowledge' && Math.abs(Date.parse(e.until) - Date.now() - 30 * 60_000) < 120_000)).toBe(true);
  await until('step-confirm', 0); // no key acts behind a dialog
  await page.keyboard.press('s');
  expect(await page.getByTestId('step-confirm').isDisabled()).toBe(true);
  await page.getByTestId('until-shift').check();
  await page.getByTestId('step-confirm').click();
  await expect.poll(() => mock.world.history.get(caseId).filter((e) => e.action === 'snooze').map((e) => new Date(e.until).getUTCHours() % 8)).toEqual([0]);
  await until('step-confirm', 0); // no key acts behind a dialog
  await page.keyboard.press('i');
  await page.locator('select[data-testid=field-assignee]').selectOption('li');
  await page.getByTestId('step-confirm').click();
  await expect.poll(() => text('case-loop')).toContain('li');
});

test('a case is merged into one near it, and stands alone again by undo', async () => {
  const near = mock.world.raise(4).caseId;
  const part = mock.world.raise(1).caseId;
  mock.world.raise(3);
  await signedIn(`/cases/${part}`);
  await page.getByTestId('case-merge').waitFor();
  await page.keyboard.press('m');
  await page.getByTestId('merge-choice').first().waitFor();
  await page.locator(`[data-testid=merge-choice][value="${near}"]`).check();
  await page.getByTestId('step-confirm').click();
  await page.getByTestId('case-parent').waitFor();
  await page.keyboard.press('u');
  await page.getByTestId('case-merge').waitFor();
  await until('case-parent', 0);
});

test('the filmstrip turns by arrow keys and by click, and opens large', async () => {
  const alert = mock.world.raise(0);
  for (const after of [-1000, 1000, 3000]) mock.world.addPicture(alert, after);
  await signedIn(`/cases/${alert.caseId}`);
  await expect.poll(() => text('strip-at')).toBe('第 2 张，共 4 张');
  await page.keyboard.press('ArrowRight');
  await expect.poll(() => text('strip-at')).toBe('第 3 张，共 4 张');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await expect.poll(() => text('strip-at')).toBe('第 4 张，共 4 张');
  await page.getByTestId('case-picture').first().click();
  await page.getByTestId('case-stage').click();
  await page.locator('dialog.viewer').getByText('第 1 张，共 4 张').waitFor();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Escape');
  await expect.poll(() => text('strip-at')).toBe('第 2 张，共 4 张');
});

test('sensors nearby are drawn with their extremes, and what is left is told in working time', async () => {
  const { caseId } = mock.world.raise(1);
  mock.working = true;
  mock.world.due(mock.world.cases.get(caseId), ['reach', -9, -2], ['handle', -1, 42], ['close', 700, 1080]);
  await signedIn(`/cases/${caseId}`);
  await until('reading', 2);
  expect(await page.getByTestId('chart').first().getAttribute('aria-label')).toMatch(/水位，level-river-01：最低 .* m，最高 .* m，最后 .* m/);
  await page.locator('.reading canvas').first().waitFor();
  await expect.poll(() => page.getByTestId('deadline').allInnerTexts().then((all) => all.join('|').replace(/\s+/g, ' '))).toMatch(/已超 [2-3] 分钟.*剩 4[12] 分钟.*剩 2 个工作日 3 小时|剩 2 个工作日 4 小时/);
  expect(await page.getByTestId('deadline').evaluateAll((all) => all.map((e) => e.dataset.tone))).toEqual(['red', 'yellow', 'calm']);
  await page.getByTestId('place-map').waitFor();
});

test('several cases are chosen by keyboard, done together, told one by one, and taken back together', async () => {
  for (let i = 0; i < 5; i++) mock.world.raise(i, { key: `k${i}`, zone: `区 ${i}` });
  await signedIn('/cases?state=open');
  await until('case-row', 5);
  await page.keyboard.press('j');
  await page.keyboard.press(' ');
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('Shift+X');
  await expect.poll(() => text('bulk-bar')).toContain('已选 3 个案卷');
  const faster = [...mock.world.cases.values()].reverse()[1];
  mock.faster = () => mock.world.step(faster, { action: 'dispatch', to: 'dispatch', reasons: [] }, { unit: 'fire' }, 'night-2');
  await page.getByTestId('bulk-acknowledge').click();
  await page.getByTestId('step-confirm').click();
  await expect.poll(() => text('toast')).toContain('立案：2 个案卷已完成');
  expect(await text('bulk-refused')).toMatch(/1 个案卷未能办理[\s\S]*刚被其他人更新/);
  expect([...mock.world.cases.values()].filter((c) => c.step === 'open').length).toBe(2);
  await page.getByTestId('toast-undo').click();
  await expect.poll(() => [...mock.world.cases.values()].filter((c) => c.state === 'open').length).toBe(4);
  await page.getByTestId('refused-close').waitFor({ state: 'detached' });
  await expect.poll(() => page.getByTestId('case-row').count()).toBeGreaterThanOrEqual(4); // those that were taken back are listed again
  await page.keyboard.press('Shift+A');
  await expect.poll(() => text('bulk-bar')).toMatch(/已选 4 个案卷|已选 5 个案卷/);
  await page.keyboard.press('Escape');
  await until('bulk-bar', 0);
});

test('cases are merged into the gravest of them from the list, and stand alone again', async () => {
  const ids = [0, 1, 2].map((i) => mock.world.raise(i).caseId);
  await signedIn('/cases?state=open');
  await until('case-row', 3);
  await page.getByTestId('pick-all').check();
  await page.getByTestId('bulk-merge').click();
  expect(await page.locator('[data-testid=whole]:checked').getAttribute('value')).toBe(ids[1]);
  await page.getByTestId('step-confirm').click();
  await until('case-row', 1);
  expect(mock.world.cases.get(ids[0]).parent).toBe(ids[1]);
  await page.keyboard.press('u');
  await until('case-row', 3);
});

test('who is late is told who was faster, with what, and where the case stands now', async () => {
  const { caseId } = mock.world.raise(1);
  await signedIn(`/cases/${caseId}`);
  await page.getByTestId('action-acknowledge').waitFor();
  mock.faster = (c) => mock.world.step(c, { action: 'dispatch', to: 'dispatch', reasons: [] }, { unit: 'fire' }, 'night-2');
  await page.keyboard.press('a');
  await expect.poll(() => text('case-faster')).toMatch(/有人先了一步：night-2：派遣（.*）。案卷现在处于“任务派遣”/);
  await page.getByTestId('action-accept').click();
  await until('case-faster', 0);
});

test('an auditor selects nothing and has no keys but those that read', async () => {
  mock.role = 'auditor';
  const { caseId } = mock.world.raise(1);
  await signedIn('/cases?state=open');
  await until('case-row', 1);
  await until('pick', 0);
  await page.goto(`${base}/cases/${caseId}`);
  await page.getByTestId('case-loop').waitFor();
  await page.keyboard.press('a');
  await page.keyboard.press('m');
  await page.waitForTimeout(200);
  await until('step-dialog', 0);
  expect(mock.world.cases.get(caseId).state).toBe('open');
});
