// An administrator writes a configuration, sees what is wrong with it and what it changes, and rolls it out, in a real Chromium against the mock.
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

test('is shown to administrators alone', async () => {
  await signedIn('/devices/edge-demo-a');
  await id('edge-page').waitFor();
  await until('nav-fleet', 0);
  await signedIn('/fleet');
  await until('fleet-page', 0);
});
