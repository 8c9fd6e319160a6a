/** What is proposed, as it goes into a file. */
import { expect, test } from 'vitest';
import { fileOf, whatOf } from '../src/connect/file';

const found = (proposal: string) => ({ address: '192.0.2.1', protocols: [], notes: [], proposal });

test('entries stand under one key', () => expect(fileOf([found('  - id: a\n'), found(''), found('  - id: b')])).toBe('cameras:\n  - id: a\n  - id: b\n'));
test('nothing of nothing', () => expect(fileOf([found('')])).toBe(''));
test('a device is named as far as it said', () => {
  expect(whatOf({ ...found(''), manufacturer: 'Dahua' })).toBe('Dahua');
  expect(whatOf(found(''))).toBe('');
});
