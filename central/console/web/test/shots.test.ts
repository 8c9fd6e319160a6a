import { describe, expect, test } from 'vitest';
import { clips, onset, shots } from '../src/ui/picture';
import { alert, AT, evidence } from './make';

const at = (n: number, ms: number, more = {}) => ({ ...evidence(n), at: new Date(Date.parse(AT) + ms).toISOString(), ...more });

describe('a filmstrip', () => {
  const a = alert(1, {
    occurredAt: AT,
    evidence: [at(1, -1000), at(2, 40), at(3, 1000), at(4, 40, { sealed: true, mediaType: 'application/vnd.age+mp4', url: '' })],
  });
  test('lists its pictures in order and its clip apart', () => {
    expect(shots([a]).map((s) => s.evidence.id)).toEqual(['e1', 'e2', 'e3']);
    expect(clips([a]).map((s) => s.evidence.id)).toEqual(['e4']);
  });
  test('shows the onset first of all', () => expect(onset(shots([a]))).toBe(1));
  test('has no onset without a picture', () => expect(onset([])).toBe(-1));
  test('a clip with an address is no picture all the same', () => {
    expect(shots([alert(1, { evidence: [at(1, 0, { sealed: true })] })])).toEqual([]);
  });
});
