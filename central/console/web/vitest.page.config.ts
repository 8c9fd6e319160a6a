import { defineConfig } from 'vitest/config';

// Tests of the built page in a real Chromium against dev/mock.mjs. Run by `npm run test:page`, which builds first.
export default defineConfig({
  test: { include: ['test/page/*.test.mjs'], testTimeout: 30_000, hookTimeout: 30_000, fileParallelism: false },
});
