// The register of cameras and its filing, in a real Chromium against the mock.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { registerOf } from '../../dev/areas/register.mjs';
import { stage } from './devices.rig.mjs';

const s = stage();
const { id, text, until, signedIn } = s;

test('lists cameras, those refused first and why, and what is to be filed, the most urgent first', async () => {
  await signedIn('/devices');
  await id('to-register').click();
  await until('register-cameras', 1);
  expect(await text('register-cameras')).toMatch(/cam-gate-03[\s\S]*不合格[\s\S]*缺责任单位[\s\S]*禁止安装摄像机[\s\S]*卫生间[\s\S]*cam-old-09[\s\S]*未填报[\s\S]*cam-square-01[\s\S]*已登记[\s\S]*滨河社区居委会[\s\S]*广场/);
  await until('register-changes', 1);
  expect(await text('register-filing')).toMatch(/2 项变化尚未备案。 其中 1 项已逾期[\s\S]*cam-gate-03[\s\S]*新增[\s\S]*已逾期[\s\S]*cam-square-01[\s\S]*变更: 责任单位, 场所/);
  const coming = s.page.waitForEvent('download');
  await id('register-csv').click();
  expect((await coming).suggestedFilename()).toBe('cameras.csv');
  await until('register-mark', 0);
  await id('register-state').selectOption('refused');
  await expect.poll(() => id('register-cameras').locator('tbody tr').count()).toBe(1);
});

test('an administrator marks as filed, with a number', async () => {
  await signedIn('/register', 'administrator');
  await id('register-mark').click();
  await id('register-note').fill('2026-17 <x>');
  await s.page.getByText('编号只能含').waitFor();
  expect(await id('step-confirm').isDisabled()).toBe(true);
  await id('register-note').fill('备2026-17');
  await id('step-confirm').click();
  await s.page.getByText('已记下 3 台摄像机备案').waitFor();
  await s.page.getByText('全部已备案').waitFor();
  expect(registerOf(s.mock).notes).toEqual(['备2026-17']);
});

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

test.each(['light', 'dark'])('axe-core finds nothing, nothing scrolls sideways, two languages, %s', async (colorScheme) => {
  await s.page.emulateMedia({ colorScheme });
  for (const c of registerOf(s.mock).cameras) Object.assign(c, { owner: c.owner && 'Riverside', purpose: c.purpose && 'safety', basis: c.basis && 'order 17' });
  for (const lang of ['zh-CN', 'en']) {
    await s.context.addInitScript(`localStorage.setItem('gridgate.lang', '${lang}')`);
    await signedIn('/register', 'administrator');
    await until('register-cameras', 1);
    await until('register-changes', 1);
    await s.page.evaluate(axe);
    const wrong = await s.page.evaluate(async () => {
      const { violations } = await globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] });
      return violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 160)}`));
    });
    expect(wrong, lang).toEqual([]);
    expect(await s.page.locator('html, .main, .card').evaluateAll((all) => all.filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.className)), lang).toEqual([]);
    if (lang === 'en') expect(await s.page.locator('.page').innerText()).not.toMatch(/[\u4e00-\u9fff]/);
    if (process.env.SHOTS) await s.page.screenshot({ path: `${process.env.SHOTS}/register-${lang}-${colorScheme}.png` });
  }
});
