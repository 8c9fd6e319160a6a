// An administrator writes a configuration, sees what is wrong with it and what it changes, and rolls it out, in a real Chromium against the mock.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { stage } from './devices.rig.mjs';

const s = stage();
const { id, text, until, signedIn } = s;

test('writes, previews and rolls out a configuration', async () => {
  await signedIn('/fleet', 'administrator');
  await until('fleet-edges', 1);
  expect(await text('fleet-edges')).toMatch(/edge-demo-a[\s\S]*仅本机文件/);
  await id('fleet-text').fill('timezone: UTC\nlisten: 0.0.0.0:80\n');
  await id('fleet-preview').click();
  await id('fleet-faults').waitFor();
  expect(await text('fleet-faults')).toMatch(/第 2 行[\s\S]*listen: 0\.0\.0\.0:80[\s\S]*not a section/);
  await id('fleet-text').fill('timezone: UTC\n');
  await id('fleet-preview').click();
  await id('fleet-diff').waitFor();
  expect(await text('fleet-diff')).toMatch(/将改变 2 个节点[\s\S]*\+ timezone: UTC/);
  expect(await id('fleet-begin').isDisabled()).toBe(true); // nothing is kept yet
  await id('fleet-why').fill('统一时区');
  await id('fleet-keep').click();
  await s.page.getByText('已保存 all 第 1 版').waitFor();
  await id('fleet-begin').click();
  await id('fleet-rollout').waitFor();
  expect(await text('fleet-rollout')).toMatch(/已自动停止[\s\S]*第 1 \/ 2 批[\s\S]*edge-demo-a 节点拒绝/);
  await expect.poll(() => text('fleet-edges')).toMatch(/edge-demo-a[\s\S]*节点拒绝/);
  if (process.env.FLEET_SHOT) await s.page.screenshot({ path: process.env.FLEET_SHOT, fullPage: true });
  await id('fleet-abort').click();
  await expect.poll(() => text('fleet-rollout')).toMatch(/已中止/);
});

test('brings a build to edges and shows what becomes of it', async () => {
  await signedIn('/fleet', 'administrator');
  await until('release-edges', 1);
  expect(await text('release-edges')).toMatch(/edge-demo-a\s+未指定版本\s+1\.0\.0/);
  expect(await id('release-begin').isDisabled()).toBe(true); // without a reason
  await id('release-why').fill('修复掉线');
  await id('release-begin').click();
  await id('release-rollout').waitFor();
  expect(await text('release-rollout')).toMatch(/已自动停止[\s\S]*1\.1\.0 → all · 修复掉线[\s\S]*第 2 \/ 2 批[\s\S]*edge-demo-a 已自动退回: fewer cameras[\s\S]*edge-demo-b 正在获取: 正在试运行新配置/);
  await expect.poll(() => text('release-edges')).toMatch(/edge-demo-b\s+正在获取\s+1\.0\.0\s+1\.1\.0\s+正在试运行新配置/);
  await id('release-abort').click();
  await expect.poll(() => text('release-rollout')).toMatch(/已中止/);
});

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

test.each(['light', 'dark'])('axe-core finds nothing, nothing scrolls sideways, two languages, %s', async (colorScheme) => {
  await s.page.emulateMedia({ colorScheme });
  await signedIn('/fleet', 'administrator');
  await id('release-why').fill('x');
  await id('release-begin').click();
  await id('release-rollout').waitFor();
  for (const [lang, word] of [['zh-CN', '正在试运行新配置'], ['en', 'A configuration is on trial']]) {
    await s.context.addInitScript(`localStorage.setItem('gridgate.lang', '${lang}')`);
    await s.page.reload();
    await expect.poll(() => id('release-rollout').innerText().catch(() => ''), { timeout: 20_000 }).toContain(word);
    await s.page.evaluate(axe);
    const found = await s.page.evaluate(async () => {
      const { violations } = await globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] });
      return violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' | ')}`);
    });
    expect(found).toEqual([]);
    expect(await s.page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth)).toBe(true);
  }
});

test('is shown to administrators alone', async () => {
  await signedIn('/devices/edge-demo-a');
  await id('edge-page').waitFor();
  await until('nav-fleet', 0);
  await signedIn('/fleet');
  await until('fleet-page', 0);
});
