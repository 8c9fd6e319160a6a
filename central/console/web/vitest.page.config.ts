import { defineConfig } from 'vitest/config';

// Tests of the built page in a real Chromium against dev/mock.mjs. Run by `npm run test:page`, which builds first.
export default defineConfig({
  test: { include: ['test/page/*.test.mjs'], testTimeout: 60_000, hookTimeout: 60_000, fileParallelism: false, expect: { poll: { timeout: 10_000 } } },
});
